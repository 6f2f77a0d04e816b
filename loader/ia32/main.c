/*
 * main.c: BOOTIA32.EFI, for a 32-bit firmware, which cannot start BOOTX64.EFI: without this one its
 * menu would only say that there is nothing to start.
 */
#include <stdint.h>

#include <efi.h>

EFI_STATUS EFIAPI efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *system);

EFI_STATUS EFIAPI efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *system)
{
    static CHAR16 text[] =
        L"baton loader: this firmware is a 32-bit one; Baton needs a 64-bit firmware "
        L"(and a 64-bit processor).\r\n";
    const UINTN reading_time = 10 * 1000 * 1000; /* microseconds: the menu would wipe the message */

    (void)image;
    system->ConOut->OutputString(system->ConOut, text);
    system->BootServices->Stall(reading_time);
    return EFI_UNSUPPORTED;
}
