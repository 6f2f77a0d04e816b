/* loader.conf, and the names of unified kernel images. */
#include "library/menu/loader_settings.h"

#include "../test.h"
#include "library/menu/os_release.h"

#include <string.h>

#define array_length(array) (sizeof(array) / sizeof((array)[0]))

static struct loader_settings settings;

static void parse(const char *text)
{
    size_t size = strlen(text);

    loader_settings_default(&settings);
    loader_settings_parse(test_copy(text, size), size, &settings);
}

static void test_whole(void)
{
    test_case("no file");
    parse("");
    expect_equal(settings.timeout, MENU_TIMEOUT_UNSET);
    expect_string(settings.entry, "");
    expect(settings.editor && settings.automatic_entries && settings.automatic_firmware);
    expect_equal(settings.console_mode, CONSOLE_KEEP);

    test_case("loader.conf(5)'s example");
    parse("# /boot/efi/loader/loader.conf\ntimeout 0\n"
          "default 01234567890abcdef1234567890abdf0-*\neditor no\n");
    expect_equal(settings.timeout, MENU_TIMEOUT_HIDDEN);
    expect_string(settings.entry, "01234567890abcdef1234567890abdf0-*");
    expect(!settings.editor);

    test_case("quotes round a value");
    parse("default 'my entry'\neditor \"no\"\n");
    expect_string(settings.entry, "my entry");
    expect(!settings.editor);

    test_case("everything, by an editor of another system");
    parse("\xef\xbb\xbftimeout\t menu-force \r\n  default @saved\r\nauto-entries 0\r\n"
          "auto-firmware off\r\nconsole-mode max\r\nbeep on\r\nrandom-seed-mode off");
    expect_equal(settings.timeout, MENU_TIMEOUT_FOREVER);
    expect_string(settings.entry, "@saved");
    expect(!settings.automatic_entries && !settings.automatic_firmware);
    expect_equal(settings.console_mode, CONSOLE_MAX);
}

static void test_values(void)
{
    static const struct {
        const char *text;
        uint32_t timeout;
    } timeouts[] = {
        {"timeout 5", 5},
        {"timeout menu-hidden", 0},
        {"timeout menu-disabled", MENU_TIMEOUT_DISABLED},
        {"timeout \"5\"", 5},
        {"timeout 4294967292", 4294967292},
        {"timeout 4294967293", MENU_TIMEOUT_UNSET},
        {"timeout 99999999999999999999999", MENU_TIMEOUT_UNSET},
        {"timeout", MENU_TIMEOUT_UNSET},
        {"timeout -1", MENU_TIMEOUT_UNSET},
        {"timeout 5s", MENU_TIMEOUT_UNSET},
        {"timeout 3\ntimeout nonsense", 3},
        {"Timeout 3", MENU_TIMEOUT_UNSET},
        {"#timeout 3", MENU_TIMEOUT_UNSET},
    };

    for (size_t i = 0; i < array_length(timeouts); i++) {
        test_case("%s", timeouts[i].text);
        parse(timeouts[i].text);
        expect_equal(settings.timeout, timeouts[i].timeout);
    }

    test_case("yes and no in all their forms");
    parse("editor f");
    expect(!settings.editor);
    parse("editor false\neditor t");
    expect(settings.editor);
    parse("editor n\neditor maybe");
    expect(!settings.editor);

    test_case("console modes");
    parse("console-mode 2");
    expect_equal(settings.console_mode, CONSOLE_NUMBER);
    expect_equal(settings.console_number, 2);
    parse("console-mode max\nconsole-mode auto\n");
    expect_equal(settings.console_mode, CONSOLE_AUTO);
    parse("console-mode max\nconsole-mode keep\nconsole-mode odd");
    expect_equal(settings.console_mode, CONSOLE_KEEP);

    test_case("a default that is too long");
    char text[400] = "default ";
    memset(text + 8, 'x', 300);
    parse(text);
    expect_string(settings.entry, "");
}

static struct os_release release;

static void release_parse(const char *text)
{
    os_release_parse(test_copy(text, strlen(text)), strlen(text), &release);
}

static void test_os_release(void)
{
    test_case("Debian's");
    release_parse("PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nNAME=\"Debian GNU/Linux\"\n"
                  "VERSION_ID=\"12\"\nVERSION=\"12 (bookworm)\"\nID=debian\n");
    expect_string(release.title, "Debian GNU/Linux 12 (bookworm)");
    expect_string(release.version, "12 (bookworm)");
    expect_string(release.sort_key, "debian");

    test_case("an image's");
    release_parse("ID=x\nIMAGE_ID='my image'\nIMAGE_VERSION=7\nBUILD_ID=9");
    expect_string(release.title, "my image");
    expect_string(release.version, "7");
    expect_string(release.sort_key, "my image");

    test_case("a shell's quoting, comments, and what is none");
    release_parse("#NAME=no\n  NAME=a\\\"b\\$c \nID\n=x\nPRETTY_NAME=\"a\tb\"\nBUILD_ID=\n");
    expect_string(release.title, "a\"b$c");
    expect_string(release.version, "");

    test_case("nothing");
    release_parse("");
    expect_string(release.title, "");

    test_case("a value that is too long");
    char text[300] = "NAME=";
    memset(text + 5, 'x', 200);
    release_parse(text);
    expect_string(release.title, "");
}

int main(void)
{
    test_whole();
    test_values();
    test_os_release();
    return test_end();
}
