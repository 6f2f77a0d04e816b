#include "failure.h"

#include <stdarg.h>

#include <library/format.h>
#include <library/notice.h>
#include <library/string.h>

#include "console.h"
#include "http.h"
#include "processor.h"

/* UEFI 2.10, Appendix D. */
const char *failure_name(EFI_STATUS status)
{
    static const struct {
        EFI_STATUS status;
        const char *name;
    } names[] = {
        {EFI_LOAD_ERROR, "load error"},
        {EFI_INVALID_PARAMETER, "invalid parameter"},
        {EFI_UNSUPPORTED, "unsupported"},
        {EFI_BAD_BUFFER_SIZE, "bad buffer size"},
        {EFI_BUFFER_TOO_SMALL, "buffer too small"},
        {EFI_NOT_READY, "not ready"},
        {EFI_DEVICE_ERROR, "device error"},
        {EFI_WRITE_PROTECTED, "write protected"},
        {EFI_OUT_OF_RESOURCES, "out of resources"},
        {EFI_VOLUME_CORRUPTED, "volume corrupted"},
        {EFI_VOLUME_FULL, "volume full"},
        {EFI_NO_MEDIA, "no media"},
        {EFI_MEDIA_CHANGED, "media changed"},
        {EFI_NOT_FOUND, "not found"},
        {EFI_ACCESS_DENIED, "access denied"},
        {EFI_NO_RESPONSE, "no response"},
        {EFI_NO_MAPPING, "no mapping"},
        {EFI_TIMEOUT, "timeout"},
        {EFI_NOT_STARTED, "not started"},
        {EFI_ALREADY_STARTED, "already started"},
        {EFI_ABORTED, "aborted"},
        {EFI_ICMP_ERROR, "ICMP error"},
        {EFI_TFTP_ERROR, "TFTP error"},
        {EFI_PROTOCOL_ERROR, "protocol error"},
        {EFI_INCOMPATIBLE_VERSION, "incompatible version"},
        {EFI_SECURITY_VIOLATION, "security violation"},
        {EFI_CRC_ERROR, "CRC error"},
        {EFI_END_OF_MEDIA, "end of media"},
        {EFI_END_OF_FILE, "end of file"},
        {EFI_COMPROMISED_DATA, "compromised data"},
        {HTTP_ERROR, "HTTP error"},
    };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (names[i].status == status)
            return names[i].name;
    }
    return "unknown status";
}

EFI_STATUS failure(EFI_STATUS status, const char *format, ...)
{
    va_list arguments;

    console_print("baton loader: ");
    va_start(arguments, format);
    console_print_arguments(format, arguments);
    va_end(arguments);
    console_print(": %s (EFI status 0x%llx)\n", failure_name(status), (unsigned long long)status);
    return status;
}

/*
 * Bounded by time: a machine without the port answers 0xff or nothing at all, and one at 9600 baud
 * takes 16 ms for a full FIFO. The clock's frequency is not known here; at 10 GHz it is 30 ms.
 */
#define BYTE_PATIENCE UINT64_C(300000000) /* cycles of the time stamp counter */

static void serial_write(const char *text)
{
    enum { COM1 = 0x3f8, LINE_STATUS = 5, TRANSMITTER_EMPTY = 0x20, NOTHING = 0xff };

    if (port_read8(COM1 + LINE_STATUS) == NOTHING)
        return;
    for (; *text; text++) {
        uint64_t start = tsc_read();

        while (!(port_read8(COM1 + LINE_STATUS) & TRANSMITTER_EMPTY)) {
            if (tsc_read() - start > BYTE_PATIENCE)
                return;
        }
        port_write8(COM1, (uint8_t)*text);
    }
}

_Noreturn void failure_halt(const struct handoff_framebuffer *framebuffer, const char *message,
                            EFI_STATUS status, unsigned attempts)
{
    static char text[512];
    struct notice notice;

    interrupts_disable();
    format_string(
        text, sizeof text,
        "\nbaton loader: %s:\n%s (EFI status 0x%llx, tries of the exit: %u).\n"
        "Nothing was changed on any disk. Hold the power button to switch the machine off, "
        "and try again;\nif it happens again, a newer firmware may help.\n",
        message, failure_name(status), (unsigned long long)status, attempts);
    /* The firmware's page tables are still in use: they show the framebuffer. */
    if (notice_begin(&notice, framebuffer, (volatile uint32_t *)(uintptr_t)framebuffer->base))
        notice_write(&notice, text, strlen(text));
    serial_write(text);
    processor_stop();
}
