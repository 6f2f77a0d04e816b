#include "library/sbat.h"

#include <stdint.h>

#include "library/string.h"
#include "library/text_line.h"

/* COMPONENT,GENERATION,… False: the line is none. */
static bool line_split(struct slice line, struct slice *component, struct slice *rest)
{
    const char *comma = line.size ? memchr(line.text, ',', line.size) : NULL;

    if (!comma || comma == line.text)
        return false;
    *component = (struct slice){line.text, (size_t)(comma - line.text)};
    *rest = (struct slice){comma + 1, line.size - component->size - 1};
    return true;
}

/* 0 for what is no number, or does not fit. */
static uint32_t generation_read(struct slice rest)
{
    uint32_t value = 0;

    for (size_t i = 0; i < rest.size && rest.text[i] != ','; i++) {
        if (rest.text[i] < '0' || rest.text[i] > '9' || value > UINT32_MAX / 10 - 1)
            return 0;
        value = value * 10 + (uint32_t)(rest.text[i] - '0');
    }
    return value;
}

static struct slice text_of(const char *bytes, size_t size)
{
    return (struct slice){bytes, strnlen(bytes, size)};
}

/* Is the component in the section, and older? */
static bool is_older(struct slice section, struct slice component, uint32_t least)
{
    struct slice line, name, rest;

    while (text_take_line(&section, &line)) {
        if (line_split(line, &name, &rest) && name.size == component.size &&
            memcmp(name.text, component.text, name.size) == 0 && generation_read(rest) < least)
            return true;
    }
    return false;
}

bool sbat_is_revoked(const char *section, size_t section_size, const char *level, size_t level_size,
                     char name[SBAT_NAME_MAX])
{
    struct slice components = text_of(section, section_size), wanted = text_of(level, level_size);
    struct slice line, component, rest;

    while (text_take_line(&wanted, &line)) {
        if (!line_split(line, &component, &rest) ||
            !is_older(components, component, generation_read(rest)))
            continue;
        size_t length = component.size < SBAT_NAME_MAX ? component.size : SBAT_NAME_MAX - 1;
        memcpy(name, component.text, length);
        name[length] = '\0';
        return true;
    }
    return false;
}
