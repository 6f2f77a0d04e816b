/*
 * main.c: an ill-behaved firmware. It waits for orders, hooks what they name, and starts the loader
 * from the same volume; whatever that does, nobody else notices.
 *
 * The same program is there twice: BOOTX64.EFI is an application, which the boot manager starts,
 * and starts a runtime driver, whose code and data lie in runtime memory: so its runtime services
 * are still there when the kernel calls them.
 */
#include <library/string.h>

#include "hooks.h"
#include "orders.h"

static const CHAR16 driver_path[] = L"\\EFI\\BATON\\DRIVER.EFI";
static const CHAR16 loader_path[] = L"\\EFI\\BATON\\LOADER.EFI";

EFI_SYSTEM_TABLE *system_table;
EFI_BOOT_SERVICES real_boot;
EFI_RUNTIME_SERVICES real_runtime;

static EFI_LOADED_IMAGE *loader_image;

EFI_STATUS efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *system);

bool caller_is_loader(const void *return_address)
{
    return loader_image &&
           (uintptr_t)return_address - (uintptr_t)loader_image->ImageBase < loader_image->ImageSize;
}

void *pages_take(EFI_MEMORY_TYPE type, UINTN pages)
{
    EFI_PHYSICAL_ADDRESS place = 0;

    if (EFI_ERROR(real_boot.AllocatePages(AllocateAnyPages, type, pages, &place)))
        return NULL;
    memset((void *)place, 0, pages * EFI_PAGE_SIZE);
    return (void *)place;
}

/* Not one that an order has given a size that it does not have: the sum of 4 GiB takes a minute. */
void table_seal(EFI_TABLE_HEADER *header)
{
    if (header->HeaderSize > EFI_PAGE_SIZE)
        return;
    header->CRC32 = 0;
    real_boot.CalculateCrc32(header, header->HeaderSize, &header->CRC32);
}

/* A device path: the device's own, and behind it the file's (UEFI 2.10, 10.3). */
static EFI_DEVICE_PATH *file_path(EFI_HANDLE device, const CHAR16 *name, size_t name_size)
{
    static EFI_GUID device_path = EFI_DEVICE_PATH_PROTOCOL_GUID;
    static uint8_t whole[1024];
    EFI_DEVICE_PATH *path, *end;
    size_t length = 0;

    if (EFI_ERROR(real_boot.HandleProtocol(device, &device_path, (void **)&path)))
        return NULL;
    for (end = path; end->Type != END_DEVICE_PATH_TYPE;) {
        size_t node = end->Length[0] | end->Length[1] << 8;

        memcpy(whole + length, end, node);
        length += node;
        end = (EFI_DEVICE_PATH *)((uint8_t *)end + node);
    }
    *(EFI_DEVICE_PATH *)(whole + length) = (EFI_DEVICE_PATH){
        MEDIA_DEVICE_PATH, MEDIA_FILEPATH_DP, {name_size + sizeof(EFI_DEVICE_PATH), 0}};
    memcpy(whole + length + sizeof(EFI_DEVICE_PATH), name, name_size);
    length += name_size + sizeof(EFI_DEVICE_PATH);
    *(EFI_DEVICE_PATH *)(whole + length) = (EFI_DEVICE_PATH){
        END_DEVICE_PATH_TYPE, END_ENTIRE_DEVICE_PATH_SUBTYPE, {sizeof(EFI_DEVICE_PATH), 0}};
    return (EFI_DEVICE_PATH *)whole;
}

/* `load-options BYTES`, `load-options-size SIZE`, `load-options-at ADDRESS`; `no-device`: as if the
   loader had come from nowhere; `loaded-image OFFSET BYTES` over the rest of what it is told. */
void image_install(EFI_LOADED_IMAGE *loader)
{
    static uint8_t options[4096];
    const struct order *order = order_next(NULL, "load-options");

    if (order) {
        loader->LoadOptionsSize = order_bytes(order, 1, options, sizeof options);
        loader->LoadOptions = options;
    }
    loader->LoadOptionsSize = order_value("load-options-size", loader->LoadOptionsSize);
    loader->LoadOptions = (void *)order_value("load-options-at", (uintptr_t)loader->LoadOptions);
    if (order_next(NULL, "no-device"))
        loader->DeviceHandle = NULL;
    for (order = NULL; (order = order_next(order, "loaded-image"));)
        order_bytes(order, 2, (uint8_t *)loader + order_number(order, 1), sizeof *loader);
}

static EFI_STATUS image_load(EFI_HANDLE image, EFI_LOADED_IMAGE *ours, const CHAR16 *name,
                             size_t name_size, EFI_HANDLE *loaded)
{
    return real_boot.LoadImage(FALSE, image, file_path(ours->DeviceHandle, name, name_size), NULL,
                               0, loaded);
}

static EFI_STATUS driver_start(EFI_HANDLE image, EFI_LOADED_IMAGE *ours)
{
    EFI_HANDLE driver;
    EFI_STATUS status = image_load(image, ours, driver_path, sizeof driver_path, &driver);

    return EFI_ERROR(status) ? status : real_boot.StartImage(driver, NULL, NULL);
}

/* ---- stack BYTES: the loader gets no more, and whether it took more is told at its exit ---- */

#define STACK_PATTERN 0x57
#define STACK_BEYOND  (64 * 1024) /* looked at, below what it gets */

static uint8_t *stack;

void stack_report(void)
{
    uint64_t whole = STACK_BEYOND + order_value("stack", 0), untouched = 0;

    if (!stack)
        return;
    while (untouched < whole && stack[untouched] == STACK_PATTERN)
        untouched++;
    report("stack: %llu KiB used, %s\n", (unsigned long long)(whole - untouched) / 1024,
           untouched >= STACK_BEYOND ? "no more" : "too much");
}

/* UEFI's convention: 32 bytes of room above the return address. */
static EFI_STATUS stack_start(EFI_HANDLE loader)
{
    uint64_t size = order_value("stack", 0);
    EFI_STATUS status;
    uint64_t *top;

    if (size)
        stack = pages_take(EfiBootServicesData, (STACK_BEYOND + size) / EFI_PAGE_SIZE);
    if (!stack)
        return real_boot.StartImage(loader, NULL, NULL);
    memset(stack, STACK_PATTERN, STACK_BEYOND + size);
    top = (uint64_t *)(stack + STACK_BEYOND + size) - 4;
    __asm__ volatile(
        "mov %%rsp, %%rbx\n\tmov %[top], %%rsp\n\txor %%edx, %%edx\n\txor %%r8d, %%r8d\n\t"
        "call *%[start]\n\tmov %%rbx, %%rsp"
        : "=a"(status), "+c"(loader)
        : [top] "r"(top), [start] "r"(real_boot.StartImage)
        : "rbx", "rdx", "r8", "r9", "r10", "r11", "memory", "cc");
    return status;
}

static EFI_STATUS loader_start(EFI_HANDLE image, EFI_LOADED_IMAGE *ours)
{
    static EFI_GUID loaded_image = LOADED_IMAGE_PROTOCOL;
    EFI_HANDLE loader;
    EFI_STATUS status = image_load(image, ours, loader_path, sizeof loader_path, &loader);

    if (EFI_ERROR(status))
        return status;
    real_boot.HandleProtocol(loader, &loaded_image, (void **)&loader_image);
    acpi_install();
    screen_install();
    runtime_install();
    protocols_install();
    files_install(ours->DeviceHandle);
    image_install(loader_image);
    if (order_next(NULL, "watchdog"))
        real_boot.SetWatchdogTimer(order_value("watchdog", 0), 0, 0, NULL);
    memory_map_install();
    memory_install();
    processor_install();
    boot_services_install();
    tables_install();
    entered_install(loader_image);
    returns_install(loader_image);
    table_seal(&system_table->Hdr);
    table_seal(&system_table->BootServices->Hdr);
    table_seal(&system_table->RuntimeServices->Hdr);
    console_install();
    status = stack_start(loader);
    loader_image = NULL;
    return status;
}

EFI_STATUS efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *system)
{
    static EFI_GUID loaded_image = LOADED_IMAGE_PROTOCOL;
    EFI_LOADED_IMAGE *ours;
    EFI_STATUS status;

    system_table = system;
    real_boot = *system->BootServices;
    real_runtime = *system->RuntimeServices;
    real_boot.SetWatchdogTimer(0, 0, 0, NULL);
    real_boot.HandleProtocol(image, &loaded_image, (void **)&ours);
    if (ours->ImageCodeType == EfiLoaderCode)
        return driver_start(image, ours);
    if (!orders_read()) {
        report("too many orders\n");
        return EFI_ABORTED;
    }
    status = loader_start(image, ours);
    report("the loader returned 0x%llx\n", (unsigned long long)status);
    return EFI_ERROR(status) ? status : EFI_ABORTED;
}
