#include "library/menu/boot_order.h"

#include <stdint.h>

#include "library/format.h"
#include "library/menu/pattern.h"
#include "library/menu/version_order.h"
#include "library/string.h"

/* By the keys that only entries with a sort-key are compared by. */
static int keys_compare(const struct boot_name *left, const struct boot_name *right)
{
    int order = strcmp(left->sort_key, right->sort_key);

    if (order == 0)
        order = strcmp(left->machine_id, right->machine_id);
    if (order == 0)
        order = version_compare(right->version, left->version);
    return order;
}

/* Entries that differ by their counts only: more tries left first, then fewer done. */
static int counts_compare(const struct boot_count *left, const struct boot_count *right)
{
    if (!left->counted || !right->counted)
        return 0;
    if (left->left != right->left)
        return left->left > right->left ? -1 : 1;
    return (left->done > right->done) - (left->done < right->done);
}

int boot_name_compare(const struct boot_name *left, const struct boot_name *right)
{
    int order = left->automatic - right->automatic;

    if (order != 0 || left->automatic)
        return order;
    order = boot_name_is_bad(left) - boot_name_is_bad(right);
    if (order == 0)
        order = (*left->sort_key == '\0') - (*right->sort_key == '\0');
    if (order == 0 && *left->sort_key)
        order = keys_compare(left, right);
    if (order == 0)
        order = version_compare(right->identifier, left->identifier);
    if (order == 0)
        order = counts_compare(&left->count, &right->count);
    return order;
}

/* A menu has some hundreds of entries at most, and directories list them nearly sorted. */
void boot_names_sort(const struct boot_name **names, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        const struct boot_name *name = names[i];
        size_t place = i;

        for (; place > 0 && boot_name_compare(names[place - 1], name) > 0; place--)
            names[place] = names[place - 1];
        names[place] = name;
    }
}

/* How much of it a title tells. */
enum detail {
    PLAIN,
    WITH_VERSION,
    WITH_MACHINE,
    WITH_IDENTIFIER,
};

static void title_write(const struct boot_name *name, enum detail detail,
                        char title[BOOT_TITLE_MAX])
{
    const char *plain = *name->title ? name->title : name->identifier;
    bool version = detail >= WITH_VERSION && *name->version;
    bool machine = detail >= WITH_MACHINE && *name->machine_id;
    bool identifier = detail >= WITH_IDENTIFIER && plain != name->identifier;

    format_string(title, BOOT_TITLE_MAX, "%s%s%s%s%s%.8s%s%s%s%s", plain, version ? " (" : "",
                  version ? name->version : "", version ? ")" : "", machine ? " (" : "",
                  machine ? name->machine_id : "", machine ? ")" : "", identifier ? " (" : "",
                  identifier ? name->identifier : "", identifier ? ")" : "");
}

static bool title_is_taken(const struct boot_name *const *names, size_t count, size_t index,
                           enum detail detail, const char *title)
{
    char other[BOOT_TITLE_MAX];

    for (size_t i = 0; i < count; i++) {
        title_write(names[i], detail, other);
        if (i != index && strcmp(title, other) == 0)
            return true;
    }
    return false;
}

void boot_name_title(const struct boot_name *const *names, size_t count, size_t index,
                     char title[BOOT_TITLE_MAX])
{
    enum detail detail = PLAIN;

    title_write(names[index], detail, title);
    while (detail < WITH_IDENTIFIER && title_is_taken(names, count, index, detail, title))
        title_write(names[index], ++detail, title);
}

/* LoaderEntryDefault names "baton" or "baton.conf": older and newer tools write either. */
static bool identifier_matches(const char *identifier, const char *pattern)
{
    char stem[BOOT_FILE_NAME_MAX];
    const char *dot = strrchr(identifier, '.');

    if (pattern_matches(pattern, identifier))
        return true;
    if (!dot || (size_t)(dot - identifier) >= sizeof(stem))
        return false;
    memcpy(stem, identifier, (size_t)(dot - identifier));
    stem[dot - identifier] = '\0';
    return pattern_matches(pattern, stem);
}

size_t boot_names_find(const struct boot_name *const *names, size_t count, const char *pattern)
{
    size_t bad = SIZE_MAX;

    for (size_t i = 0; i < count; i++) {
        if (!identifier_matches(names[i]->identifier, pattern))
            continue;
        if (!boot_name_is_bad(names[i]))
            return i;
        if (bad == SIZE_MAX)
            bad = i;
    }
    return bad;
}

size_t boot_names_first(const struct boot_name *const *names, size_t count)
{
    size_t own = 0;

    while (own < count && names[own]->automatic)
        own++;
    for (size_t i = own; i < count; i++) {
        if (!names[i]->automatic && !boot_name_is_bad(names[i]))
            return i;
    }
    return own < count ? own : 0;
}
