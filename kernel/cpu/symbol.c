#include "cpu/symbol.h"

#include "library/format.h"

static struct symbols table; /* constant after boot */
static vaddr_t image_base;

void symbol_initialize(const struct symbols *symbols, vaddr_t base)
{
    table = *symbols;
    image_base = base;
}

const char *symbol_describe(vaddr_t address, char *buffer, size_t size)
{
    struct symbol symbol;

    if (table.table_size && symbols_find(&table, address - image_base, &symbol))
        format_string(buffer, size, "%.*s+%#lx", (int)symbol.length, symbol.name, symbol.offset);
    else
        format_string(buffer, size, "?");
    return buffer;
}
