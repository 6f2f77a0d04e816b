/*
 * console.c: a console that lies: `console-size COLUMNS ROWS` is what every text output says it
 * has, `keys CHARACTER` what its keyboard gives without end; `console OFFSET BYTES` and `keyboard
 * OFFSET BYTES` write over the protocols that the system table names.
 */
#include <library/string.h>

#include "hooks.h"
#include "orders.h"

static EFI_STATUS EFIAPI query_mode(SIMPLE_TEXT_OUTPUT_INTERFACE *self, UINTN mode, UINTN *columns,
                                    UINTN *rows)
{
    const struct order *order = order_next(NULL, "console-size");

    (void)self, (void)mode;
    *columns = order_number(order, 1);
    *rows = order_number(order, 2);
    return EFI_SUCCESS;
}

static void sizes_install(void)
{
    static EFI_GUID text_output = SIMPLE_TEXT_OUTPUT_PROTOCOL;
    SIMPLE_TEXT_OUTPUT_INTERFACE *text;
    EFI_HANDLE *handles;
    UINTN count = 0;

    if (!order_next(NULL, "console-size") ||
        EFI_ERROR(real_boot.LocateHandleBuffer(ByProtocol, &text_output, NULL, &count, &handles)))
        return;
    for (UINTN i = 0; i < count; i++) {
        if (!EFI_ERROR(real_boot.HandleProtocol(handles[i], &text_output, (void **)&text)))
            text->QueryMode = query_mode;
    }
}

static EFI_STATUS EFIAPI key_read(SIMPLE_INPUT_INTERFACE *self, EFI_INPUT_KEY *key)
{
    (void)self;
    *key = (EFI_INPUT_KEY){0, (CHAR16)order_value("keys", 0)};
    return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI key_read_extended(EFI_SIMPLE_TEXT_INPUT_EX_PROTOCOL *self,
                                           EFI_KEY_DATA *data)
{
    (void)self;
    *data = (EFI_KEY_DATA){{0, (CHAR16)order_value("keys", 0)}, {0}};
    return EFI_SUCCESS;
}

static void keys_install(void)
{
    static EFI_GUID extended_input = EFI_SIMPLE_TEXT_INPUT_EX_PROTOCOL_GUID;
    EFI_SIMPLE_TEXT_INPUT_EX_PROTOCOL *extended;

    if (!order_next(NULL, "keys"))
        return;
    if (system_table->ConIn)
        system_table->ConIn->ReadKeyStroke = key_read;
    if (!EFI_ERROR(real_boot.HandleProtocol(system_table->ConsoleInHandle, &extended_input,
                                            (void **)&extended)))
        extended->ReadKeyStrokeEx = key_read_extended;
}

static void overwrite(const char *name, void *protocol)
{
    for (const struct order *order = NULL; protocol && (order = order_next(order, name));)
        order_bytes(order, 2, (uint8_t *)protocol + order_number(order, 1), 128);
}

void console_install(void)
{
    sizes_install();
    keys_install();
    overwrite("console", system_table->ConOut);
    overwrite("keyboard", system_table->ConIn);
}
