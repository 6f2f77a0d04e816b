/* Type #1 boot entries. */
#include "library/boot_entry.h"
#include "test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define array_length(array) (sizeof(array) / sizeof((array)[0]))

static struct boot_entry entry;
static struct boot_entry_error error;

static int parse_bytes(const char *text, size_t size)
{
    error = (struct boot_entry_error){0};
    return boot_entry_parse(test_copy(text, size), size, &entry, &error);
}

static int parse(const char *text)
{
    return parse_bytes(text, strlen(text));
}

static void test_good(void)
{
    test_case("whole entry");
    expect_equal(parse("# Baton\n"
                       "title\tBaton\n"
                       "version 0.1-rc2\n"
                       "machine-id 0123456789abcdef0123456789abcdef\n"
                       "sort-key baton\n"
                       "architecture x64\n"
                       "linux /baton/kernel.elf\n"
                       "initrd /baton/initrd.cpio\n"
                       "initrd /baton/command.cpio\n"
                       "options console=ttyS0 quiet\n"
                       "options init=/init\n"
                       "devicetree /nothing\n"),
                 0);
    expect_string(entry.title, "Baton");
    expect_string(entry.version, "0.1-rc2");
    expect_string(entry.machine_id, "0123456789abcdef0123456789abcdef");
    expect_string(entry.sort_key, "baton");
    expect_string(entry.kernel, "/baton/kernel.elf");
    expect_equal(entry.initrd_count, 2);
    expect_string(entry.initrds[0], "/baton/initrd.cpio");
    expect_string(entry.initrds[1], "/baton/command.cpio");
    expect_string(entry.options, "console=ttyS0 quiet init=/init");

    static const struct {
        const char *name, *text, *title, *options;
    } cases[] = {
        {"the least", "linux /k", "", ""},
        {"CRLF", "title A b\r\nlinux /k\r\noptions x y\r\n", "A b", "x y"},
        {"CR at the end of the file", "linux /k\noptions x\r", "", "x"},
        {"no final newline", "linux /k\noptions x", "", "x"},
        {"white space everywhere", "  title \t  A  b \t \n\tlinux\t/k \n\n \t \n", "A  b", ""},
        {"comments", "#linux /a\n  # linux /b\nlinux /k\n#", "", ""},
        {"hash inside a value", "linux /k\noptions a#b # c", "", "a#b # c"},
        {"unknown keys", "efi2 /x\nlinuxx /y\nlin /z\nLinux /w\nlinux /k\ntitl e", "", ""},
        {"UTF-8",
         "title Stab \xc3\xa4\nlinux /k\noptions root=LABEL=Gr\xc3\xb6\xc3\x9f"
         "e",
         "Stab \xc3\xa4",
         "root=LABEL=Gr\xc3\xb6\xc3\x9f"
         "e"},
        {"control characters in a title", "title a\x1b[2Jb\x7f\nlinux /k", "a?[2Jb?", ""},
        {"the last title counts", "title long one\ntitle b\nlinux /k", "b", ""},
        {"empty options", "linux /k\noptions\noptions  \noptions a\noptions\noptions b", "", "a b"},
        {"key alone", "title\nlinux /k\nunknown", "", ""},
        {"a key without its value, then with it", "title a\ntitle\nlinux\nlinux /k\ninitrd \t", "a",
         ""},
        {"the last kernel counts", "linux /a\nlinux /k", "", ""},
        {"quotes round values", "title \"A b\"\nlinux '/k'\noptions \"x y\"\noptions \"\"", "A b",
         "x y"},
        {"quotes that are the value's", "title \"a\" \"b\nlinux /k\noptions \"x y\" z=\"1\"",
         "\"a\" \"b", "\"x y\" z=\"1\""},
        {"a path without a slash in front", "linux k", "", ""},
        {"architecture in capitals", "architecture X64\nlinux /k", "", ""},
    };
    for (size_t i = 0; i < array_length(cases); i++) {
        test_case("good: %s", cases[i].name);
        expect_equal(parse(cases[i].text), 0);
        expect_string(entry.kernel, "/k");
        expect_string(entry.title, cases[i].title);
        expect_string(entry.options, cases[i].options);
    }
}

static void test_others(void)
{
    test_case("another program");
    expect_equal(parse("title Shell\nefi shellx64.efi\noptions -nomap"), 0);
    expect_string(entry.program, "/shellx64.efi");
    expect_equal(parse("efi /a\nuki /EFI/Linux/x.efi\n"), 0);
    expect_string(entry.program, "/EFI/Linux/x.efi");
    expect_string(entry.kernel, "");

    test_case("the example of the specification");
    expect_equal(
        parse("title        Fedora 19 (Rawhide)\n"
              "sort-key     fedora\n"
              "machine-id   6a9857a393724b7a981ebb5b8495b9ea\n"
              "version      3.8.0-2.fc19.x86_64\n"
              "options      root=UUID=6d3376e4-fc93-4509-95ec-a21d68011da2 quiet\n"
              "architecture x64\n"
              "linux        /6a9857a393724b7a981ebb5b8495b9ea/3.8.0-2.fc19.x86_64/linux\n"
              "initrd       6a9857a393724b7a981ebb5b8495b9ea/3.8.0-2.fc19.x86_64/initrd\n"),
        0);
    expect_string(entry.sort_key, "fedora");
    expect_string(entry.initrds[0], "/6a9857a393724b7a981ebb5b8495b9ea/3.8.0-2.fc19.x86_64/initrd");

    test_case("another architecture");
    expect_equal(parse("architecture aa64\nlinux /k"), -EINVAL);
    expect(entry.foreign);
    test_case("nonsense is not foreign");
    expect_equal(parse("linux"), -EINVAL);
    expect(!entry.foreign);
}

/* Each key with the example that the Boot Loader Specification (UAPI.1) gives of it. */
static void test_examples(void)
{
    static const struct {
        const char *line, *value;
        const char *where;
    } examples[] = {
        {"title Fedora 18 (Spherical Cow)", "Fedora 18 (Spherical Cow)", entry.title},
        {"version 3.7.2-201.fc18.x86_64", "3.7.2-201.fc18.x86_64", entry.version},
        {"machine-id 4098b3f648d74c13b1f04ccfba7798e8", "4098b3f648d74c13b1f04ccfba7798e8",
         entry.machine_id},
        {"sort-key fedora", "fedora", entry.sort_key},
        {"linux /6a9857a393724b7a981ebb5b8495b9ea/3.8.0-2.fc19.x86_64/linux",
         "/6a9857a393724b7a981ebb5b8495b9ea/3.8.0-2.fc19.x86_64/linux", entry.kernel},
        {"initrd 6a9857a393724b7a981ebb5b8495b9ea/3.8.0-2.fc19.x86_64/initrd",
         "/6a9857a393724b7a981ebb5b8495b9ea/3.8.0-2.fc19.x86_64/initrd", entry.initrds[0]},
        {"options root=UUID=6d3376e4-fc93-4509-95ec-a21d68011da2 quiet",
         "root=UUID=6d3376e4-fc93-4509-95ec-a21d68011da2 quiet", entry.options},
        {"devicetree 6a9857a393724b7a981ebb5b8495b9ea/3.8.0-2.fc19.armv7hl/tegra20-paz00.dtb", "/k",
         entry.kernel},
        {"devicetree-overlay /6a9857a393724b7a981ebb5b8495b9ea/overlays/overlay_A.dtbo "
         "/6a9857a393724b7a981ebb5b8495b9ea/overlays/overlay_B.dtbo",
         "/k", entry.kernel},
        {"architecture x64", "/k", entry.kernel},
    };
    static char text[512];

    for (size_t i = 0; i < array_length(examples); i++) {
        bool is_kernel = strncmp(examples[i].line, "linux", 5) == 0;

        test_case("example: %s", examples[i].line);
        snprintf(text, sizeof(text), "%s%s\n", is_kernel ? "" : "linux /k\n", examples[i].line);
        expect_equal(parse(text), 0);
        expect_string(examples[i].where, examples[i].value);
    }
    static const char *const others[] = {"IA32", "IA64", "ARM", "AA64", "aa64"};
    for (size_t i = 0; i < array_length(others); i++) {
        test_case("example: architecture %s", others[i]);
        snprintf(text, sizeof(text), "linux /k\narchitecture %s\n", others[i]);
        expect_equal(parse(text), -EINVAL);
        expect(entry.foreign);
    }
}

static void test_bad(void)
{
    static const struct {
        const char *text;
        uint32_t line;
        const char *reason;
    } cases[] = {
        {"", 0, "no line \"linux\" or \"efi\""},
        {"\n\n# nothing\n", 0, "no line \"linux\""},
        {"options x\n", 0, "no line \"linux\""},
        {"linux", 0, "no line \"linux\""},
        {"title x\nlinux \t \n", 0, "no line \"linux\""},
        {"linux \"\"", 1, "no path"},
        {"linux \\baton\\kernel.elf", 1, "backslash"},
        {"linux /baton\\kernel.elf", 1, "backslash"},
        {"linux /baton/../kernel.elf", 1, "\"..\""},
        {"linux /..", 1, "\"..\""},
        {"linux /../x", 1, "\"..\""},
        {"linux /./x", 1, "\".\""},
        {"linux /.", 1, "\".\""},
        {"linux //x", 1, "empty component"},
        {"linux /x/", 1, "empty component"},
        {"linux /", 1, "no path"},
        {"linux k/", 1, "empty component"},
        {"efi /a\nlinux /b", 0, "line \"efi\""},
        {"linux /a\tb", 1, "printable"},
        {"linux /a\rb", 1, "printable"},
        {"linux /\xc3\xa4", 1, "printable"},
        {"linux /\x7f", 1, "printable"},
        {"linux /k\ninitrd /", 2, "no path"},
        {"linux /k\noptions a\tb", 2, "control"},
        {"linux /k\noptions a\x1b[2Jb", 2, "control"},
        {"linux /k\narchitecture aa64", 2, "x64"},
    };
    for (size_t i = 0; i < array_length(cases); i++) {
        test_case("bad %zu: %s", i, cases[i].reason);
        expect_equal(parse(cases[i].text), -EINVAL);
        expect_equal(error.line, cases[i].line);
        expect(error.reason != NULL && strstr(error.reason, cases[i].reason) != NULL);
    }

    test_case("NUL in a value");
    expect_equal(parse_bytes("linux /k\noptions a\0b", 20), -EINVAL);
    expect_equal(error.line, 2);
    test_case("NUL in a comment");
    expect_equal(parse_bytes("#\0\nlinux /k", 11), -EINVAL);
    expect_equal(error.line, 1);
    test_case("UTF-16");
    expect_equal(parse_bytes("l\0i\0n\0u\0x\0", 10), -EINVAL);
    expect_equal(error.line, 1);
}

/* A line of key and value, the value made of so many letters behind a prefix. */
static size_t long_line(char *text, const char *key, const char *prefix, size_t size)
{
    size_t length = (size_t)sprintf(text, "%s %s", key, prefix);
    memset(text + length, 'a', size - strlen(prefix));
    length += size - strlen(prefix);
    text[length++] = '\n';
    return length;
}

static void test_limits(void)
{
    static const struct {
        const char *key, *prefix;
        size_t size;
        bool good;
    } cases[] = {
        {"title", "", BOOT_ENTRY_NAME_MAX - 1, true},
        {"title", "", BOOT_ENTRY_NAME_MAX, true},
        {"version", "", BOOT_ENTRY_NAME_MAX, true},
        {"machine-id", "", BOOT_ENTRY_NAME_MAX, true},
        {"sort-key", "", 3000, true},
        {"initrd", "/", BOOT_ENTRY_PATH_MAX - 1, true},
        {"initrd", "/", BOOT_ENTRY_PATH_MAX, false},
        {"options", "", BOOT_ENTRY_OPTIONS_MAX - 1, true},
        {"options", "", BOOT_ENTRY_OPTIONS_MAX, false},
        {"other", "", 60000, true},
    };
    static char text[2 * BOOT_ENTRY_FILE_MAX];

    for (size_t i = 0; i < array_length(cases); i++) {
        test_case("%s of %zu bytes", cases[i].key, cases[i].size);
        size_t size = (size_t)sprintf(text, "linux /k\n");
        size += long_line(text + size, cases[i].key, cases[i].prefix, cases[i].size);
        expect_equal(parse_bytes(text, size), cases[i].good ? 0 : -EINVAL);
        expect_equal(error.line, cases[i].good ? 0 : 2);
    }

    test_case("a long title is cut, not amid a character");
    size_t length = (size_t)sprintf(text, "linux /k\ntitle %126s\xc3\xa4\xc3\xa4", "a");
    memset(text + 15, 'a', 126);
    expect_equal(parse_bytes(text, length), 0);
    expect_equal(strlen(entry.title), 126);

    test_case("options that fill all the room, joined");
    size_t size = (size_t)sprintf(text, "linux /k\n");
    size += long_line(text + size, "options", "", 4000);
    size += long_line(text + size, "options", "", BOOT_ENTRY_OPTIONS_MAX - 4000 - 2);
    expect_equal(parse_bytes(text, size), 0);
    expect_equal(strlen(entry.options), BOOT_ENTRY_OPTIONS_MAX - 1);
    test_case("options one byte too long, joined");
    size_t full = size - 1;
    memcpy(text + full, "a\n", 2);
    expect_equal(parse_bytes(text, full + 2), -EINVAL);
    expect_equal(error.line, 3);

    test_case("as many initrds as there may be");
    size = (size_t)sprintf(text, "linux /k\n");
    for (int i = 0; i < BOOT_ENTRY_INITRDS_MAX; i++)
        size += (size_t)sprintf(text + size, "initrd /%d\n", i);
    expect_equal(parse_bytes(text, size), 0);
    expect_equal(entry.initrd_count, BOOT_ENTRY_INITRDS_MAX);
    expect_string(entry.initrds[15], "/15");
    test_case("one initrd too many");
    size += (size_t)sprintf(text + size, "initrd /x\n");
    expect_equal(parse_bytes(text, size), -EINVAL);
    expect_equal(error.line, 18);

    memset(text, '\n', sizeof(text));
    memcpy(text, "linux /k", 8);
    test_case("longest file");
    expect_equal(parse_bytes(text, BOOT_ENTRY_FILE_MAX), 0);
    test_case("file too long");
    expect_equal(parse_bytes(text, BOOT_ENTRY_FILE_MAX + 1), -EINVAL);
    expect_equal(error.line, 0);
}

int main(void)
{
    test_good();
    test_others();
    test_examples();
    test_bad();
    test_limits();
    return test_end();
}
