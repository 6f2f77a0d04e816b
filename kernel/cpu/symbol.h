/* symbol.h: names for the kernel's own addresses, from the handoff's symbol table. */
#ifndef BATON_CPU_SYMBOL_H
#define BATON_CPU_SYMBOL_H

#include "library/symbols.h"
#include "library/types.h"

/* The table stays where it is for ever; `base`: what to subtract to get link addresses. */
void symbol_initialize(const struct symbols *symbols, vaddr_t base);
/* "function+0x12", or "?"; returns `buffer`. Any context, also a panic. */
const char *symbol_describe(vaddr_t address, char *buffer, size_t size);

#endif
