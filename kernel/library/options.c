#include "library/options.h"

#include "library/string.h"
#include <linux/errno.h>

static bool is_space(char character)
{
    return character == ' ' || (character >= '\t' && character <= '\r');
}

/* The word's end, and its first '=' behind the first character or NULL: quotes protect spaces. */
static const char *word_scan(const char *word, bool in_quotes, const char **equals)
{
    const char *end = word;

    *equals = NULL;
    for (; *end != '\0' && (in_quotes || !is_space(*end)); end++) {
        if (*end == '=' && *equals == NULL && end != word)
            *equals = end;
        if (*end == '"')
            in_quotes = !in_quotes;
    }
    return end;
}

/* As next_arg() in Linux's lib/cmdline.c, with slices in place of NULs written into the line. */
bool options_next(const char **position, struct option *option)
{
    const char *word = *position, *equals;

    while (is_space(*word))
        word++;
    if (*word == '\0') {
        *position = word;
        return false;
    }
    bool quoted = *word == '"';
    word += quoted;
    const char *end = word_scan(word, quoted, &equals);
    *position = end;
    if (quoted && end > word && end[-1] == '"')
        end--;

    *option = (struct option){
        .key = word,
        .key_length = (size_t)((equals != NULL ? equals : end) - word),
        .word = word,
        .word_length = (size_t)(end - word),
    };
    if (equals != NULL) {
        option->value = equals + 1;
        if (!quoted && end - option->value >= 1 && *option->value == '"') {
            option->value++;
            if (end > option->value && end[-1] == '"')
                end--;
        }
        option->value_length = (size_t)(end - option->value);
    }
    return true;
}

static bool is_separator(const struct option *option)
{
    return option->word_length == 2 && memcmp(option->word, "--", 2) == 0;
}

const char *options_for_init(const char *options)
{
    struct option option;

    while (options_next(&options, &option)) {
        if (is_separator(&option))
            break;
    }
    return options;
}

static char key_character(char character)
{
    return character == '-' ? '_' : character;
}

static bool key_is(const struct option *option, const char *key)
{
    if (strlen(key) != option->key_length)
        return false;
    for (size_t i = 0; i < option->key_length; i++) {
        if (key_character(option->key[i]) != key_character(key[i]))
            return false;
    }
    return true;
}

bool options_find(const char *options, const char *key, struct option *option)
{
    struct option next;
    bool found = false;

    while (options_next(&options, &next) && !is_separator(&next)) {
        if (key_is(&next, key)) {
            *option = next;
            found = true;
        }
    }
    return found;
}

static bool is_one_of(const struct option *option, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strlen(words[i]) == option->value_length &&
            memcmp(words[i], option->value, option->value_length) == 0)
            return true;
    }
    return false;
}

bool options_flag(const char *options, const char *key)
{
    static const char *const words[] = {"1", "y", "yes", "on", "true"};
    struct option option;

    return options_find(options, key, &option) &&
           (option.value == NULL || is_one_of(&option, words, sizeof(words) / sizeof(words[0])));
}

bool options_asked(const char *options, const char *key)
{
    static const char *const words[] = {"0", "n", "no", "off", "false"};
    struct option option;

    return options_find(options, key, &option) &&
           (option.value == NULL || !is_one_of(&option, words, sizeof(words) / sizeof(words[0])));
}

int options_string(const char *options, const char *key, char *buffer, size_t size)
{
    struct option option;

    if (size > 0)
        buffer[0] = '\0';
    if (!options_find(options, key, &option) || option.value == NULL)
        return -ENOENT;
    if (option.value_length >= size)
        return -ENAMETOOLONG;
    memcpy(buffer, option.value, option.value_length);
    buffer[option.value_length] = '\0';
    return 0;
}

static unsigned digit_value(char digit)
{
    if (digit >= '0' && digit <= '9')
        return (unsigned)(digit - '0');
    if ((digit | 0x20) >= 'a' && (digit | 0x20) <= 'f')
        return (unsigned)((digit | 0x20) - 'a' + 10);
    return 16;
}

/* Powers of two that the suffix stands for; -1: it is none. */
static int suffix_shift(char suffix)
{
    static const char suffixes[] = "kmgtpe";
    const char *found = strchr(suffixes, suffix | 0x20);

    return found != NULL && *found != '\0' ? (int)(found - suffixes + 1) * 10 : -1;
}

static int number_parse(const char *text, size_t length, uint64_t *value)
{
    unsigned base = 10;
    uint64_t number = 0;
    size_t at = 0, digits;

    if (length > 2 && text[0] == '0' && (text[1] | 0x20) == 'x') {
        base = 16;
        at = 2;
    } else if (length > 1 && text[0] == '0') {
        base = 8;
    }
    digits = at;
    for (; at < length && digit_value(text[at]) < base; at++) {
        if (__builtin_mul_overflow(number, base, &number) ||
            __builtin_add_overflow(number, digit_value(text[at]), &number))
            return -ERANGE;
    }
    if (at == digits || length - at > 1)
        return -EINVAL;
    if (at < length) {
        int shift = suffix_shift(text[at]);
        if (shift < 0)
            return -EINVAL;
        if (number > UINT64_MAX >> shift)
            return -ERANGE;
        number <<= shift;
    }
    *value = number;
    return 0;
}

int options_number(const char *options, const char *key, uint64_t *value)
{
    struct option option;

    if (!options_find(options, key, &option) || option.value == NULL)
        return -ENOENT;
    return number_parse(option.value, option.value_length, value);
}
