/* What mount(2) is told about a file system in memory; the rules are those of tmpfs(5). */
#include "library/memory_options.h"
#include "test.h"

#include <errno.h>
#include <string.h>

#define MEMORY 1000 /* pages */

static struct memory_options options;

static int parse(const char *text)
{
    return memory_options_parse(text ? test_copy(text, strlen(text) + 1) : NULL, MEMORY, &options);
}

static void test_sizes(void)
{
    static const struct {
        const char *text;
        uint64_t pages;
    } cases[] = {
        {"size=4096", 1},       {"size=4097", 2},
        {"size=1", 1},          {"size=0", 0},
        {"size=8k", 2},         {"size=8K", 2},
        {"size=1m", 256},       {"size=1G", 262144},
        {"size=1t", 1UL << 28}, {"size=50%", 500},
        {"size=100%", 1000},    {"size=0x2000", 2},
        {"size=010000", 1},     {"nr_blocks=7", 7},
        {"nr_blocks=2k", 2048}, {"size=1m,size=2m", 512},
        {",,size=4k,", 1},      {"huge=always,size=4k", 1},
    };

    test_case("sizes");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        expect_equal(parse(cases[i].text), 0);
        expect(options.has_pages && !options.has_inodes && !options.has_mode);
        expect_equal(options.pages, cases[i].pages);
    }
}

static void test_others(void)
{
    test_case("inodes, mode, owner");
    expect_equal(parse("nr_inodes=3k,mode=1755,uid=7,gid=4294967294,inode64,mpol=default"), 0);
    expect(!options.has_pages && options.has_inodes && options.has_mode && options.has_user &&
           options.has_group);
    expect_equal(options.inodes, 3072);
    expect_equal(options.mode, 01755);
    expect_equal(options.user, 7);
    expect_equal(options.group, 4294967294);

    test_case("nothing said");
    expect_equal(parse(NULL), 0);
    expect_equal(parse(""), 0);
    expect(!options.has_pages && !options.has_inodes && !options.has_mode && !options.has_user);
}

static void test_refused(void)
{
    static const char *const cases[] = {
        "size",
        "size=",
        "size=x",
        "size=4kb",
        "size=-1",
        "size=50%%",
        "nr_blocks=5%",
        "mode=8",
        "mode=",
        "uid=x",
        "uid=4294967296",
        "gid=1k",
        "nr_inodes=1x",
        "colour=red",
        "=4",
        "size=0x",
        "size=20000000000000000000",
        "size=99999999999e",
        "siz=1",
        "sizes=1",
        "size=18446744073709551615%",
    };

    test_case("refused");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        expect_equal(parse(cases[i]), -EINVAL);
}

int main(void)
{
    test_sizes();
    test_others();
    test_refused();
    return test_end();
}
