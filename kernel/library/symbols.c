#include "library/symbols.h"

#include "library/string.h"
#include <linux/elf.h>

enum {
    SYMBOL_UNDEFINED = 0, /* SHN_UNDEF */
};

static bool symbol_holds(const Elf64_Sym *entry, uint64_t address)
{
    unsigned type = ELF64_ST_TYPE(entry->st_info);

    /* Functions, and what assembly leaves without a type. */
    return (type == STT_FUNC || type == STT_NOTYPE) && entry->st_shndx != SYMBOL_UNDEFINED &&
           entry->st_value <= address;
}

static size_t source_length(const char *name)
{
    const char *dot = strchr(name, '.');

    return dot ? (size_t)(dot - name) : strlen(name);
}

bool symbols_find(const struct symbols *symbols, uint64_t address, struct symbol *symbol)
{
    size_t count = symbols->table_size / sizeof(Elf64_Sym);
    Elf64_Sym entry, best = {0};
    bool found = false;

    for (size_t i = 0; i < count; i++) {
        memcpy(&entry, (const uint8_t *)symbols->table + i * sizeof(entry), sizeof(entry));
        if (!symbol_holds(&entry, address))
            continue;
        /* Of two at one place the one that says its size is the function's name. */
        if (!found || entry.st_value > best.st_value ||
            (entry.st_value == best.st_value && best.st_size == 0)) {
            best = entry;
            found = true;
        }
    }
    if (!found || (best.st_size != 0 && address - best.st_value >= best.st_size))
        return false;
    if (best.st_name >= symbols->names_size ||
        memchr(symbols->names + best.st_name, '\0', symbols->names_size - best.st_name) == NULL)
        return false;
    const char *name = symbols->names + best.st_name;
    *symbol = (struct symbol){name, source_length(name), address - best.st_value, best.st_size};
    return true;
}
