/* Which files were signed with the loader. */
#include "library/digest_list.h"
#include "test.h"

#include <string.h>

/* sha256sum of "content" and of nothing. */
#define CONTENT "ed7002b439e9ac845f22357d822bac1444730fbdb6016d3ec9432297b9ec9f73"
#define NOTHING "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static bool names(const char *list, size_t size, const char *path)
{
    uint8_t digest[SHA256_SIZE];

    sha256("content", 7, NULL, 0, digest);
    return digest_list_has(test_copy(list, size), size, path, digest);
}

static void test_lines(void)
{
    static const struct {
        const char *list, *path;
        bool named;
    } cases[] = {
        {CONTENT " /a/file\n", "/a/file", true},
        {"# comment\n\n" NOTHING " /b\n\t " CONTENT "   /a/file  \r\n", "/a/file", true},
        {CONTENT " /a/file", "\\A\\File", true},
        {CONTENT " /A/FILE", "/a/file", true},
        {CONTENT " /loader/entries/x.conf", "/loader/entries/X+2-1.conf", true},
        {CONTENT " /loader/entries/x.conf", "/loader/entries/x+0.CONF", true},
        {CONTENT " /loader/entries/x.conf", "/loader/entries/y.conf", false},
        {NOTHING " /a/file\n" CONTENT " /b\n", "/a/file", false},
        {CONTENT " /a/file2", "/a/file", false},
        {CONTENT " /a/fil", "/a/file", false},
        {CONTENT "/a/file", "/a/file", false},
        {CONTENT "0 /a/file", "/a/file", false},
        {"d7002b439e9ac845f22357d822bac1444730fbdb6016d3ec9432297b9ec9f73 /a/file", "/a/file",
         false},
        {CONTENT, "", true}, /* nobody asks for it */
        {"", "/a/file", false},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        test_case("list %zu", i);
        expect_equal(names(cases[i].list, strlen(cases[i].list), cases[i].path), cases[i].named);
    }
}

static void test_odd(void)
{
    static const char filled[] = CONTENT " /a/file\0\0\0\0\n" CONTENT " /b\n";
    char path[300];

    test_case("NULs, which fill a section up");
    expect(!names(filled, sizeof(filled) - 1, "/a/file"));
    expect(names(filled, sizeof(filled) - 1, "/b"));

    test_case("a path that is too long is not cut to one that was signed");
    memset(path, 'a', sizeof(path) - 1);
    path[sizeof(path) - 1] = '\0';
    char list[512] = CONTENT " ";
    memset(list + strlen(list), 'a', 255);
    expect(!names(list, strlen(list), path));
    path[255] = '\0';
    expect(names(list, strlen(list), path));
}

int main(void)
{
    test_lines();
    test_odd();
    return test_end();
}
