/* From an address to a function's name. */
#include "library/symbols.h"
#include "test.h"

#include <elf.h>
#include <string.h>

static const char names[] = "\0first\0second.llvm.17\0label\0object\0undefined";
enum {
    FIRST = 1,
    SECOND = 7,
    LABEL = 22,
    OBJECT = 28,
    UNDEFINED = 35,
};

#define SYMBOL(name, type, section, value, size)                                                   \
    {                                                                                              \
        name, ELF64_ST_INFO(STB_GLOBAL, type), 0, section, value, size                             \
    }

static const Elf64_Sym table[] = {
    SYMBOL(0, STT_NOTYPE, 0, 0, 0),
    SYMBOL(SECOND, STT_FUNC, 1, 0x2000, 0x100),
    SYMBOL(FIRST, STT_FUNC, 1, 0x1000, 0x80),
    SYMBOL(LABEL, STT_NOTYPE, 1, 0x1000, 0),
    SYMBOL(LABEL, STT_NOTYPE, 1, 0x3000, 0),
    SYMBOL(OBJECT, STT_OBJECT, 1, 0x1010, 8),
    SYMBOL(UNDEFINED, STT_FUNC, 0, 0x1020, 8),
};

static struct symbols symbols;
static struct symbol symbol;

static bool find(uint64_t address)
{
    memset(&symbol, 0, sizeof(symbol));
    return symbols_find(&symbols, address, &symbol);
}

static void symbols_reset(void)
{
    symbols = (struct symbols){test_copy(table, sizeof(table)), sizeof(table),
                               test_copy(names, sizeof(names)), sizeof(names)};
}

int main(void)
{
    symbols_reset();
    test_case("first, middle and last byte of a function");
    expect(find(0x1000));
    expect_string(symbol.name, "first");
    expect_equal(symbol.length, 5);
    expect_equal(symbol.offset, 0);
    expect_equal(symbol.size, 0x80);
    expect(find(0x1030));
    expect_string(symbol.name, "first");
    expect_equal(symbol.offset, 0x30);
    expect(find(0x107f));
    expect(find(0x20ff));
    expect_string(symbol.name, "second.llvm.17");
    expect_equal(symbol.length, 6);

    test_case("before, between and behind functions");
    expect(!find(0));
    expect(!find(0xfff));
    expect(!find(0x1080));
    expect(!find(0x2100));

    test_case("a label without a size reaches as far as the next symbol");
    expect(find(0x3000));
    expect_string(symbol.name, "label");
    expect(find(~0ULL));
    expect_equal(symbol.offset, ~0ULL - 0x3000);

    test_case("a name outside the names");
    symbols.names_size = SECOND + 3;
    expect(!find(0x2000));
    symbols.names_size = SECOND;
    expect(!find(0x2000));
    expect(find(0x1000));

    test_case("a name without an end");
    symbols_reset();
    symbols.names = test_copy(names, LABEL + 3);
    symbols.names_size = LABEL + 3;
    expect(!find(0x3000));
    expect(find(0x1000));

    test_case("a table that ends in the middle of a symbol");
    symbols_reset();
    symbols.table = test_copy(table, 3 * sizeof(Elf64_Sym) + 10);
    symbols.table_size = 3 * sizeof(Elf64_Sym) + 10;
    expect(find(0x1000));
    expect(!find(0x3000));

    test_case("no table");
    symbols = (struct symbols){NULL, 0, NULL, 0};
    expect(!find(0x1000));
    return test_end();
}
