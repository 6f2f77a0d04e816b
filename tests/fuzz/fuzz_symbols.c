/* The input is an address, the size of the symbol table, the table and the names. */
#include "fuzz.h"
#include "library/symbols.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct symbol symbol;
    uint64_t address;

    if (size < 10)
        return 0;
    memcpy(&address, data, 8);
    size_t table_size = (size_t)data[8] << 8 | data[9];
    data += 10;
    size -= 10;
    if (table_size > size)
        table_size = size;
    struct symbols symbols = {data, table_size, (const char *)data + table_size, size - table_size};
    if (symbols_find(&symbols, address, &symbol)) {
        require(symbol.name >= symbols.names);
        require(symbol.name + strlen(symbol.name) < symbols.names + symbols.names_size);
        require(symbol.length <= strlen(symbol.name));
        require(symbol.offset <= address);
        require(symbol.size == 0 || symbol.offset < symbol.size);
    }
    return 0;
}
