/*
 * load_options.h: the text in the LoadOptions of an EFI image (UEFI 2.10, 9.1),
 * of which machines are known to pass anything: nothing, a text without its
 * end, odd sizes, a whole EFI_LOAD_OPTION, a shell's command line with the
 * program's name in front, or rubbish (Linux 4a568ce29d3f, systemd issue 10001).
 *
 * Pure: no allocation, no lock; nothing in the bytes is trusted.
 */
#ifndef BATON_LIBRARY_LOAD_OPTIONS_H
#define BATON_LIBRARY_LOAD_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Writes the options as terminated ASCII text to text, which has room for
 * text_size bytes (at least 1). Accepted is terminated printable ASCII in
 * UTF-16 of even size; of an EFI_LOAD_OPTION (UEFI 2.10, 3.1.3) its optional
 * data; a first word that ends in ".efi" is the program's name and left away.
 * Returns the text's length; -EINVAL: anything else, -ENAMETOOLONG: it does not
 * fit; then text is "".
 */
int load_options_parse(const void *options, size_t size, char *text, size_t text_size);

/* A boot entry that the first word of such a text may name. */
struct load_options_entry {
    char path[256];   /* \loader\entries\WORD.conf, or the word itself if it has a (back)slash */
    bool certain;     /* the word ends in ".conf": it is nothing else */
    const char *rest; /* the text behind the word, and white space */
};

/* False: the first word is none, because there is none, it has an '=', or it is too long. */
bool load_options_entry(const char *text, struct load_options_entry *entry);

#endif
