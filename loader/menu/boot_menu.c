#include "menu/boot_menu.h"

#include <library/format.h>
#include <library/string.h>

#include "console.h"
#include "entry.h"
#include "failure.h"
#include "keyboard.h"
#include "measure.h"
#include "menu/display.h"
#include "menu/interface.h"
#include "menu/machine.h"
#include "menu/program.h"
#include "menu/refusal.h"
#include "pages.h"
#include "trust.h"
#include "volume.h"

#define SETTINGS_PATH   "/loader/loader.conf"
#define TIMEOUT_DEFAULT 5 /* seconds, where nobody set one */

/* Everything about one look at the entries; there is one. */
static struct {
    struct loader_settings settings;
    struct interface_wishes wishes;
    bool saves;  /* which entry starts is kept, for "@saved" */
    bool counts; /* what starts was chosen by nobody, and took one of its tries */
    struct entries entries;
    struct menu_item *items; /* in the order of entries.shown */
    char (*titles)[BOOT_TITLE_MAX];
    struct menu menu;
    struct boot_entry parsed; /* the one that is started, or whose options are shown */
    char options[BOOT_ENTRY_OPTIONS_MAX];
} here;

/* ---- what there is ---- */

static void settings_read(void)
{
    char *text;
    size_t size;

    loader_settings_default(&here.settings);
    interface_wishes_read(&here.wishes);
    if (EFI_ERROR(entries_text(firmware.loaded_image->DeviceHandle, SETTINGS_PATH, &text, &size)))
        return;
    measure_settings(text, size);
    loader_settings_parse(text, size, &here.settings);
    firmware.boot->FreePool(text);
}

static EFI_STATUS items_make(void)
{
    size_t count = here.entries.count;
    EFI_STATUS status =
        pages_allocate(count * sizeof *here.items, "the menu", (void **)&here.items);

    if (!EFI_ERROR(status))
        status = pages_allocate(count * sizeof *here.titles, "the menu", (void **)&here.titles);
    for (size_t i = 0; i < count && !EFI_ERROR(status); i++) {
        boot_name_title(here.entries.shown, count, i, here.titles[i]);
        here.items[i] = (struct menu_item){here.titles[i], boot_name_is_bad(here.entries.shown[i]),
                                           entry_at(&here.entries, i)->editable};
    }
    return status;
}

/* "@saved" stands for the entry that was started last; from then on that is kept. */
static const char *pattern_resolve(const char *pattern)
{
    if (strcmp(pattern, "@saved") != 0)
        return pattern;
    here.saves = true;
    return here.wishes.last;
}

/* Once, then by default, then the file's; a wish that names nothing is passed over. */
static size_t default_find(void)
{
    const char *const patterns[] = {here.wishes.once, pattern_resolve(here.wishes.usual),
                                    pattern_resolve(here.settings.entry)};

    for (size_t i = 0; i < sizeof patterns / sizeof patterns[0]; i++) {
        size_t found = *patterns[i]
                           ? boot_names_find(here.entries.shown, here.entries.count, patterns[i])
                           : SIZE_MAX;

        if (found != SIZE_MAX)
            return found;
    }
    return boot_names_first(here.entries.shown, here.entries.count);
}

static size_t kind_count(enum entry_kind kind)
{
    size_t count = 0;

    for (size_t i = 0; i < here.entries.count; i++)
        count += entry_at(&here.entries, i)->kind == kind;
    return count;
}

/* Entries of the specification's two types. */
static size_t own_count(void)
{
    return kind_count(ENTRY_FILE) + kind_count(ENTRY_UNIFIED);
}

static uint32_t timeout_find(void)
{
    if (here.wishes.timeout_once != MENU_TIMEOUT_UNSET)
        return here.wishes.timeout_once;
    if (here.wishes.timeout != MENU_TIMEOUT_UNSET)
        return here.wishes.timeout;
    if (here.settings.timeout != MENU_TIMEOUT_UNSET)
        return here.settings.timeout;
    /* The firmware's setup alone is no choice: it has its own key. */
    return own_count() + kind_count(ENTRY_PROGRAM) > 1 ? TIMEOUT_DEFAULT : MENU_TIMEOUT_HIDDEN;
}

/* ---- starting ---- */

/* Reads it to here.parsed; `starts`: it is not only looked at. */
static EFI_STATUS entry_load(const struct entry *entry, bool starts)
{
    char *text;
    size_t size;
    EFI_STATUS status;

    if (starts)
        console_print("loader: reading %s\n", entry->path);
    status = entries_text(entry->device, entry->path, &text, &size);
    if (EFI_ERROR(status))
        return failure(status, "%s: cannot read", entry->path);
    status = trust_check(entry->path, text, size);
    if (!EFI_ERROR(status) && starts)
        measure_entry(entry->path, text, size);
    if (!EFI_ERROR(status))
        status = entry_parse(entry->path, text, size, &here.parsed);
    firmware.boot->FreePool(text);
    return status;
}

/* Baton's kernel is an ELF file; a program of the firmware begins with "MZ". */
static bool kernel_is_program(const struct entry *entry)
{
    char *text;
    size_t size;
    bool program;

    if (*here.parsed.program)
        return true;
    if (EFI_ERROR(entries_text(entry->device, here.parsed.kernel, &text, &size)))
        return false;
    program = size >= 2 && text[0] == 'M' && text[1] == 'Z';
    firmware.boot->FreePool(text);
    return program;
}

static EFI_STATUS choose(struct choice *choice, const struct entry *entry, const char *options)
{
    *choice = (struct choice){.entry = &here.parsed, .device = entry->device};
    if (options) {
        format_string(here.options, sizeof here.options, "%s", options);
        choice->options = here.options;
    }
    return entry_check(entry->path, &here.parsed);
}

static void start_tell(const struct entry *entry)
{
    interface_tell_start(entry->identifier);
    if (here.saves)
        interface_save_entry(entry->identifier);
}

/* EFI_SUCCESS: *choice is to be started by the caller. Anything else: it was, and came back. */
static EFI_STATUS entry_file_start(struct entry *entry, const char *options, struct choice *choice)
{
    EFI_STATUS status;

    entry_count_down(entry);
    status = entry_load(entry, true);
    if (EFI_ERROR(status))
        return status;
    start_tell(entry);
    if (!kernel_is_program(entry))
        return choose(choice, entry, options);
    status = program_start(entry->device,
                           *here.parsed.program ? here.parsed.program : here.parsed.kernel,
                           options ? options : here.parsed.options, &here.parsed);
    return EFI_ERROR(status) ? status : EFI_NOT_STARTED;
}

/* Without options a unified image takes its own. */
static EFI_STATUS program_entry_start(struct entry *entry, const char *options)
{
    EFI_STATUS status;

    entry_count_down(entry);
    start_tell(entry);
    status = program_start(entry->device, entry->path, options ? options : "", NULL);
    return EFI_ERROR(status) ? status : EFI_NOT_STARTED;
}

static EFI_STATUS setup_enter(void)
{
    if (!interface_setup_ask())
        return failure(EFI_UNSUPPORTED, "the firmware cannot be asked for its setup");
    firmware.runtime->ResetSystem(EfiResetCold, EFI_SUCCESS, 0, NULL);
    return EFI_DEVICE_ERROR;
}

static EFI_STATUS entry_start(struct entry *entry, const char *options, struct choice *choice)
{
    switch (entry->kind) {
    case ENTRY_FILE:
        return entry_file_start(entry, options, choice);
    case ENTRY_UNIFIED:
    case ENTRY_PROGRAM:
        return program_entry_start(entry, options);
    default:
        return setup_enter();
    }
}

/* The same where nobody chose it. */
static EFI_STATUS entry_start_alone(struct entry *entry, struct choice *choice)
{
    EFI_STATUS status = entry_start(entry, NULL, choice);

    here.counts = entry->tried;
    return status;
}

void boot_menu_try_again(void)
{
    if (!here.counts)
        return;
    here.counts = false;
    console_print("loader: this entry counts its tries: the machine restarts\n");
    if (console_has_screen())
        refusal_show("the next try");
    firmware.runtime->ResetSystem(EfiResetCold, EFI_SUCCESS, 0, NULL);
}

/* ---- the person ---- */

static uint32_t key_translate(const struct key *key)
{
    static const struct {
        uint16_t scan;
        enum menu_key key;
    } scans[] = {
        {0x01, MENU_KEY_UP},     {0x02, MENU_KEY_DOWN},    {0x03, MENU_KEY_RIGHT},
        {0x04, MENU_KEY_LEFT},   {0x05, MENU_KEY_HOME},    {0x06, MENU_KEY_END},
        {0x08, MENU_KEY_DELETE}, {0x09, MENU_KEY_PAGE_UP}, {0x0a, MENU_KEY_PAGE_DOWN},
        {0x17, MENU_KEY_ESCAPE},
    };
    uint16_t character = key->character;

    for (size_t i = 0; !character && i < sizeof scans / sizeof scans[0]; i++) {
        if (scans[i].scan == key->scan)
            return scans[i].key;
    }
    if (character == '\r' || character == '\n')
        return MENU_KEY_ENTER;
    if (character == '\b' || character == 0x7f)
        return MENU_KEY_BACKSPACE;
    if (key->control && character >= 'a' && character <= 'z')
        return character - 'a' + 1U;
    return character;
}

/* A cursor that moves by bytes would part the others' characters. */
static bool is_ascii(const char *text)
{
    while (*text && (unsigned char)*text < 0x80)
        text++;
    return !*text;
}

static void options_show(void)
{
    struct entry *entry = entry_at(&here.entries, here.menu.selected);

    if (entry->kind == ENTRY_UNIFIED)
        entry_unified_options(entry, here.parsed.options);
    else if (EFI_ERROR(entry_load(entry, false))) {
        menu_say(&here.menu, "This entry cannot be read any more.");
        return;
    }
    if (is_ascii(here.parsed.options))
        menu_edit(&here.menu, here.parsed.options);
    else
        menu_say(&here.menu, "These options are no ASCII: they cannot be edited here.");
}

static void default_keep(void)
{
    const struct entry *entry = entry_at(&here.entries, here.menu.chosen);

    menu_say(&here.menu, interface_set_default(entry->identifier)
                             ? "This entry starts by default from now on."
                             : "The firmware cannot keep that.");
}

/* What the machine is, its screen among it. */
static void facts_tell(void)
{
    static const char *facts[MACHINE_FACTS_MAXIMUM];

    here.menu.facts = facts;
    here.menu.fact_count = machine_describe(facts);
}

static void mode_change(struct display *display)
{
    char name[32], text[64];

    if (!display_next_mode(display, name, sizeof name)) {
        menu_say(&here.menu, "The screen has no other resolution.");
        return;
    }
    format_string(text, sizeof text, "The screen has %s pixels now.", name);
    menu_say(&here.menu, text);
    facts_tell();
}

/* What the menu itself wants; true: it goes on. */
static bool action_do(enum menu_action action, struct display *display)
{
    switch (action) {
    case MENU_NOTHING:
        return true;
    case MENU_EDIT:
        options_show();
        return true;
    case MENU_SET_DEFAULT:
        default_keep();
        return true;
    case MENU_SET_TIMEOUT:
        if (!interface_set_timeout(here.menu.timeout))
            menu_say(&here.menu, "The firmware cannot keep that.");
        return true;
    case MENU_RESOLUTION:
        mode_change(display);
        return true;
    default:
        return false;
    }
}

/* Shows the menu until something is to be done; the time that goes by may do it. */
static enum menu_action person_ask(struct keyboard *keyboard)
{
    struct display display;
    enum menu_action action;
    struct key key;

    if (!display_open(&display))
        return MENU_START;
    do {
        display_show(&display, &here.menu);
        if (keyboard_wait(keyboard, &key) == KEYBOARD_KEY)
            action = menu_input(&here.menu, key_translate(&key));
        else
            action = menu_tick(&here.menu);
    } while (action_do(action, &display));
    display_close(&display);
    console_story_begin();
    return action;
}

static EFI_STATUS action_take(enum menu_action action, struct choice *choice)
{
    EFI_RUNTIME_SERVICES *runtime = firmware.runtime;
    struct entry *entry = entry_at(&here.entries, here.menu.selected);

    switch (action) {
    case MENU_START:
        return here.menu.alone ? entry_start_alone(entry, choice)
                               : entry_start(entry, NULL, choice);
    case MENU_START_EDITED:
        return entry_start(entry, here.menu.line, choice);
    case MENU_SETUP:
        return setup_enter();
    case MENU_RESTART:
        runtime->ResetSystem(EfiResetCold, EFI_SUCCESS, 0, NULL);
        return EFI_DEVICE_ERROR;
    case MENU_POWER_OFF:
        runtime->ResetSystem(EfiResetShutdown, EFI_SUCCESS, 0, NULL);
        return EFI_DEVICE_ERROR;
    default:
        return EFI_ABORTED;
    }
}

static void menu_prepare(size_t chosen, uint32_t timeout)
{
    menu_begin(&here.menu, here.items, here.entries.count, chosen, timeout);
    here.menu.heading = "Baton " BATON_VERSION;
    here.menu.editor = here.settings.editor && !trust_is_asked_for();
    facts_tell();
}

static EFI_STATUS file_check(struct volume *volume, const char *path)
{
    struct volume_file file;
    EFI_STATUS status = volume_file_open(volume, path, &file);

    if (!EFI_ERROR(status))
        volume_file_close(&file);
    return status;
}

/* A file that is not there is known while there is a menu to go back to. */
static EFI_STATUS files_check(const struct choice *choice)
{
    struct volume volume;
    EFI_STATUS status = volume_open_on(choice->device, &volume);

    if (EFI_ERROR(status))
        return status;
    status = file_check(&volume, choice->entry->kernel);
    for (uint32_t i = 0; i < choice->entry->initrd_count && !EFI_ERROR(status); i++)
        status = file_check(&volume, choice->entry->initrds[i]);
    volume_close(&volume);
    return status;
}

/* The whole story was on the console, which the menu has cleared. */
static void come_back_tell(EFI_STATUS status)
{
    char text[64];

    if (!EFI_ERROR(status))
        return;
    format_string(text, sizeof text, "It did not start: %s.", failure_name(status));
    menu_say(&here.menu, status == EFI_NOT_STARTED ? "It has ended." : text);
}

/* Whatever comes back leads to the menu again, which then waits for a person; but not for ever: a
   broken keyboard starts the same again and again. */
static EFI_STATUS menu_run(struct choice *choice, struct keyboard *keyboard, size_t chosen,
                           uint32_t timeout)
{
    enum { STARTS_MAXIMUM = 16 };
    EFI_STATUS status = EFI_SUCCESS;
    int starts = 0;

    do {
        menu_prepare(chosen, timeout);
        come_back_tell(status);
        status = action_take(person_ask(keyboard), choice);
        if (!EFI_ERROR(status))
            status = files_check(choice);
        if (EFI_ERROR(status) && status != EFI_ABORTED) {
            boot_menu_try_again();
            refusal_show("the menu");
            timeout = MENU_TIMEOUT_FOREVER;
            chosen = here.menu.selected;
        }
    } while (EFI_ERROR(status) && status != EFI_ABORTED && ++starts < STARTS_MAXIMUM);
    return status;
}

/* A key that is held while the loader begins shows a menu that is hidden. */
static EFI_STATUS choose_hidden_or_shown(struct choice *choice)
{
    size_t chosen = default_find();
    uint32_t timeout = timeout_find();
    struct keyboard keyboard;
    struct key key;
    EFI_STATUS status;

    if (timeout == MENU_TIMEOUT_DISABLED || !keyboard_open(&keyboard))
        return entry_start_alone(entry_at(&here.entries, chosen), choice);
    if (timeout == MENU_TIMEOUT_HIDDEN && keyboard_read(&keyboard, &key))
        timeout = MENU_TIMEOUT_FOREVER;
    if (timeout == MENU_TIMEOUT_HIDDEN)
        status = entry_start_alone(entry_at(&here.entries, chosen), choice);
    else
        status = menu_run(choice, &keyboard, chosen, timeout);
    keyboard_close(&keyboard);
    return status;
}

EFI_STATUS boot_menu_choose(struct choice *choice)
{
    EFI_STATUS status;

    /* Where no entry is found by looking (a server has no folders; the only one is broken), the
       usual one is asked for, and says why it cannot be had. */
    *choice = (struct choice){.device = firmware.loaded_image->DeviceHandle};
    settings_read();
    status = entries_find(&here.settings, &here.entries);
    if (EFI_ERROR(status))
        return status;
    if (own_count() > 0) {
        interface_tell_loader();
        interface_tell_entries(&here.entries);
        status = items_make();
        if (!EFI_ERROR(status))
            status = choose_hidden_or_shown(choice);
    }
    pages_free(here.items);
    pages_free(here.titles);
    entries_free(&here.entries);
    return status;
}
