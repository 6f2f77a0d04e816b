/* Sleep states in definition blocks: as iasl and makers write them, and hostile ones. */
#include "library/aml.h"
#include "test.h"

#define array_length(array) (sizeof(array) / sizeof((array)[0]))

static struct aml_sleep_type type;

/* Looks for \_S5_ in a block of exactly that size. */
static bool find(const char *bytes, size_t size)
{
    type = (struct aml_sleep_type){9, 9};
    return aml_sleep_type_find(test_copy(bytes, size), size, 5, &type);
}

struct block {
    const char *name;
    const char *bytes;
    size_t size;
    uint8_t a, b;
};
#define BLOCK(bytes) bytes, sizeof(bytes) - 1

static void test_found(void)
{
    static const struct block blocks[] = {
        {"four zeros, as QEMU has it", BLOCK("\x10\x1a\\\x00\x08_S5_\x12\x06\x04\x00\x00\x00\x00"),
         0, 0},
        {"bytes",
         BLOCK("\x08_S5_\x12\x0a\x04\x0a\x05\x0a\x07\x00\x00"
               "xx"),
         5, 7},
        {"one", BLOCK("\x08_S5_\x12\x04\x02\x01\x00"), 1, 0},
        {"with a root", BLOCK("\x08\\_S5_\x12\x04\x02\x01\x01"), 1, 1},
        {"with a parent", BLOCK("\x08^^_S5_\x12\x04\x02\x00\x01"), 0, 1},
        {"a word", BLOCK("\x08_S5_\x12\x07\x02\x0b\x07\x00\x01\x00"), 7, 1},
        {"a double word", BLOCK("\x08_S5_\x12\x08\x02\x0c\x06\x00\x00\x00\x00"), 6, 0},
        {"a quad word", BLOCK("\x08_S5_\x12\x0c\x02\x0e\x06\x00\x00\x00\x00\x00\x00\x00\x01"), 6,
         1},
        {"only one element", BLOCK("\x08_S5_\x12\x04\x01\x0a\x03"), 3, 0},
        {"only one is listed", BLOCK("\x08_S5_\x12\x04\x04\x0a\x03\x01"), 3, 0},
        {"a long length", BLOCK("\x08_S5_\x12\x45\x00\x02\x01\x01"), 1, 1},
        {"a variable package", BLOCK("\x08_S5_\x13\x06\x0a\x04\x01\x00\x00"), 1, 0},
        {"behind other states",
         BLOCK("\x08_S3_\x12\x06\x04\x01\x01\x00\x00"
               "\x08_S4_\x12\x06\x04\x0a\x02\x00\x00"
               "\x08_S5_\x12\x06\x04\x00\x01\x00\x00"),
         0, 1},
        {"the second, where the first is a method's",
         BLOCK("\x08_S5_\x70\x00\x08_S5_\x12\x04\x02\x01\x00"), 1, 0},
    };

    for (size_t i = 0; i < array_length(blocks); i++) {
        const struct block *block = &blocks[i];
        test_case("found: %s", block->name);
        expect(find(block->bytes, block->size));
        expect_equal(type.a, block->a);
        expect_equal(type.b, block->b);
    }
    test_case("another state");
    const char other[] = "\x08_S3_\x12\x06\x04\x01\x01\x00\x00";
    expect(aml_sleep_type_find((const uint8_t *)other, sizeof(other), 3, &type));
    expect_equal(type.a, 1);
}

static void test_refused(void)
{
    static const struct block blocks[] = {
        {"nothing", BLOCK(""), 0, 0},
        {"another name", BLOCK("\x08_S4_\x12\x06\x04\x00\x00\x00\x00"), 0, 0},
        {"no name operator", BLOCK("_S5_\x12\x06\x04\x00\x00\x00\x00"), 0, 0},
        {"a method", BLOCK("\x14\x0c_S5_\x00\xa4\x12\x04\x02\x00\x00"), 0, 0},
        {"an integer", BLOCK("\x08_S5_\x0a\x05"), 0, 0},
        {"an empty package", BLOCK("\x08_S5_\x12\x02\x00\x00"), 0, 0},
        {"a package of no bytes", BLOCK("\x08_S5_\x12\x00\x04\x00\x00"), 0, 0},
        {"a package without elements", BLOCK("\x08_S5_\x12\x01\x04\x00\x00"), 0, 0},
        {"elements that are not there", BLOCK("\x08_S5_\x12\x02\x04\x00\x00"), 0, 0},
        {"longer than the block", BLOCK("\x08_S5_\x12\x07\x04\x00\x00\x00\x00"), 0, 0},
        {"a huge length", BLOCK("\x08_S5_\x12\xcf\xff\xff\xff\x04\x00\x00"), 0, 0},
        {"a value of more than 3 bits", BLOCK("\x08_S5_\x12\x05\x02\x0a\x08\x00"), 0, 0},
        {"all ones", BLOCK("\x08_S5_\x12\x04\x02\xff\x00"), 0, 0},
        {"a name as an element",
         BLOCK("\x08_S5_\x12\x08\x02"
               "ABCD\x00\x00"),
         0, 0},
        {"a second one of more than 3 bits", BLOCK("\x08_S5_\x12\x05\x02\x00\x0a\x09"), 0, 0},
    };

    for (size_t i = 0; i < array_length(blocks); i++) {
        test_case("refused: %s", blocks[i].name);
        expect(!find(blocks[i].bytes, blocks[i].size));
        expect_equal(type.a, 9);
    }
}

static void test_cut(void)
{
    static const char whole[] = "\x08\\_S5_\x12\x08\x04\x0b\x05\x00\x0a\x07\x00";

    test_case("cut after every byte");
    for (size_t size = 0; size < sizeof(whole) - 1; size++)
        expect(!find(whole, size));
    expect(find(whole, sizeof(whole) - 1));
    expect_equal(type.a, 5);
    expect_equal(type.b, 7);
}

int main(void)
{
    test_found();
    test_refused();
    test_cut();
    return test_end();
}
