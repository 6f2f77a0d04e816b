/*
 * symbols.h: which function an address lies in, for backtraces. It may run in a
 * panic: no lock, no allocation, and nothing in the table is trusted.
 */
#ifndef BATON_LIBRARY_SYMBOLS_H
#define BATON_LIBRARY_SYMBOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* .symtab and .strtab of an ELF64 file. */
struct symbols {
    const void *table; /* Elf64_Sym entries, in any order, at any alignment */
    size_t table_size; /* bytes */
    const char *names;
    size_t names_size; /* bytes */
};

struct symbol {
    const char *name; /* terminated, in the names given */
    size_t length;    /* of it, as the source has it: the linker adds ".llvm.123" to static ones */
    uint64_t offset;  /* of the address from the symbol's first byte */
    uint64_t size;    /* of the symbol; 0: unknown (assembly) */
};

/*
 * The function that holds address (a link address: subtract the base first):
 * that with the greatest value not above address, if the address lies within
 * its size or the size is 0. false when there is none.
 */
bool symbols_find(const struct symbols *symbols, uint64_t address, struct symbol *symbol);

#endif
