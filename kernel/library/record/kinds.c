/* The kinds, in the order of their numbers. */
#include "library/record/kinds.h"

#include "library/record/record.h"

#define FIELD(type, name, form)                                                                    \
    {                                                                                              \
#name, offsetof(struct type, name), sizeof(((struct type *)0)->name), RECORD_FORM_##form   \
    }

static const struct record_field entry_state_fields[] = {
    FIELD(record_entry_state, rflags, NUMBER),
    FIELD(record_entry_state, cr0, NUMBER),
    FIELD(record_entry_state, cr2, NUMBER),
    FIELD(record_entry_state, cr3, NUMBER),
    FIELD(record_entry_state, cr4, NUMBER),
    FIELD(record_entry_state, cr8, NUMBER),
    FIELD(record_entry_state, efer, NUMBER),
    FIELD(record_entry_state, pat, NUMBER),
    FIELD(record_entry_state, xcr0, NUMBER),
    FIELD(record_entry_state, apic_base, NUMBER),
    FIELD(record_entry_state, rsp, NUMBER),
    FIELD(record_entry_state, rip, NUMBER),
    FIELD(record_entry_state, gdt_base, NUMBER),
    FIELD(record_entry_state, idt_base, NUMBER),
    FIELD(record_entry_state, gdt_limit, NUMBER),
    FIELD(record_entry_state, idt_limit, NUMBER),
    FIELD(record_entry_state, cs, NUMBER),
    FIELD(record_entry_state, ds, NUMBER),
    FIELD(record_entry_state, es, NUMBER),
    FIELD(record_entry_state, fs, NUMBER),
    FIELD(record_entry_state, gs, NUMBER),
    FIELD(record_entry_state, ss, NUMBER),
    FIELD(record_entry_state, tr, NUMBER),
    FIELD(record_entry_state, ldtr, NUMBER),
    FIELD(record_entry_state, fcw, NUMBER),
    FIELD(record_entry_state, mxcsr, NUMBER),
    FIELD(record_entry_state, valid, NUMBER),
    FIELD(record_entry_state, image_handle, NUMBER),
    FIELD(record_entry_state, system_table, NUMBER),
    {0},
};

static const struct record_field cpuid_fields[] = {
    FIELD(record_cpuid, leaf, NUMBER),
    FIELD(record_cpuid, subleaf, NUMBER),
    FIELD(record_cpuid, eax, NUMBER),
    FIELD(record_cpuid, ebx, NUMBER),
    FIELD(record_cpuid, ecx, NUMBER),
    FIELD(record_cpuid, edx, NUMBER),
    {0},
};

static const struct record_field msr_fields[] = {
    FIELD(record_msr, index, NUMBER),
    FIELD(record_msr, faulted, NUMBER),
    FIELD(record_msr, value, NUMBER),
    {0},
};

static const struct record_field msrs_fields[] = {
    FIELD(record_msrs, apic_id, NUMBER),
    FIELD(record_msrs, count, NUMBER),
    {0},
};

static const struct record_field map_fields[] = {
    FIELD(record_map, probe_size, NUMBER),
    FIELD(record_map, status, NUMBER),
    FIELD(record_map, key, NUMBER),
    FIELD(record_map, map_size, NUMBER),
    FIELD(record_map, descriptor_size, NUMBER),
    FIELD(record_map, descriptor_version, NUMBER),
    {0},
};

static const struct record_field page_run_fields[] = {
    FIELD(record_page_run, linear, NUMBER),
    FIELD(record_page_run, physical, NUMBER),
    FIELD(record_page_run, pages, NUMBER),
    FIELD(record_page_run, rights, NUMBER),
    FIELD(record_page_run, level, NUMBER),
    FIELD(record_page_run, memory_type, NUMBER),
    {0},
};

static const struct record_field page_tables_fields[] = {
    FIELD(record_page_tables, root, NUMBER),
    FIELD(record_page_tables, levels, NUMBER),
    FIELD(record_page_tables, cut, NUMBER),
    {0},
};

static const struct record_field bytes_fields[] = {
    FIELD(record_bytes, address, NUMBER),
    FIELD(record_bytes, length, NUMBER),
    {0},
};

static const struct record_field configuration_fields[] = {
    FIELD(record_configuration, guid, GUID),
    FIELD(record_configuration, address, NUMBER),
    {0},
};

static const struct record_field vendor_table_fields[] = {
    FIELD(record_vendor_table, guid, GUID),
    FIELD(record_vendor_table, address, NUMBER),
    FIELD(record_vendor_table, length, NUMBER),
    {0},
};

static const struct record_field image_fields[] = {
    FIELD(record_image, handle, NUMBER),        FIELD(record_image, base, NUMBER),
    FIELD(record_image, size, NUMBER),          FIELD(record_image, entry_point, NUMBER),
    FIELD(record_image, flags, NUMBER),         FIELD(record_image, code_type, NUMBER),
    FIELD(record_image, data_type, NUMBER),     FIELD(record_image, section_alignment, NUMBER),
    FIELD(record_image, subsystem, NUMBER),     FIELD(record_image, dll_characteristics, NUMBER),
    FIELD(record_image, section_count, NUMBER), FIELD(record_image, name_size, NUMBER),
    FIELD(record_image, path_size, NUMBER),     {0},
};

static const struct record_field handle_fields[] = {
    FIELD(record_handle, handle, NUMBER),
    FIELD(record_handle, protocol_count, NUMBER),
    FIELD(record_handle, path_size, NUMBER),
    {0},
};

static const struct record_field screen_fields[] = {
    FIELD(record_screen, handle, NUMBER),
    FIELD(record_screen, framebuffer_base, NUMBER),
    FIELD(record_screen, framebuffer_size, NUMBER),
    FIELD(record_screen, bar_base, NUMBER),
    FIELD(record_screen, bar_size, NUMBER),
    FIELD(record_screen, flags, NUMBER),
    FIELD(record_screen, mode, NUMBER),
    FIELD(record_screen, mode_count, NUMBER),
    FIELD(record_screen, width, NUMBER),
    FIELD(record_screen, height, NUMBER),
    FIELD(record_screen, stride, NUMBER),
    FIELD(record_screen, pixel_format, NUMBER),
    FIELD(record_screen, red_mask, NUMBER),
    FIELD(record_screen, green_mask, NUMBER),
    FIELD(record_screen, blue_mask, NUMBER),
    FIELD(record_screen, edid_size, NUMBER),
    {0},
};

static const struct record_field block_device_fields[] = {
    FIELD(record_block_device, handle, NUMBER),
    FIELD(record_block_device, last_block, NUMBER),
    FIELD(record_block_device, block_size, NUMBER),
    FIELD(record_block_device, media_id, NUMBER),
    FIELD(record_block_device, flags, NUMBER),
    FIELD(record_block_device, path_size, NUMBER),
    {0},
};

static const struct record_field variable_fields[] = {
    FIELD(record_variable, guid, GUID),         FIELD(record_variable, status, NUMBER),
    FIELD(record_variable, attributes, NUMBER), FIELD(record_variable, data_size, NUMBER),
    FIELD(record_variable, name_size, NUMBER),  FIELD(record_variable, data_kept, NUMBER),
    FIELD(record_variable, sha256, HEX),        {0},
};

static const struct record_field tpm_fields[] = {
    FIELD(record_tpm, locate_status, NUMBER),
    FIELD(record_tpm, capability_status, NUMBER),
    {0},
};

static const struct record_field tpm_log_fields[] = {
    FIELD(record_tpm_log, status, NUMBER),     FIELD(record_tpm_log, location, NUMBER),
    FIELD(record_tpm_log, last_entry, NUMBER), FIELD(record_tpm_log, format, NUMBER),
    FIELD(record_tpm_log, truncated, NUMBER),  {0},
};

static const struct record_field pcrs_fields[] = {
    FIELD(record_pcrs, status, NUMBER),
    FIELD(record_pcrs, algorithm, NUMBER),
    FIELD(record_pcrs, digest_size, NUMBER),
    FIELD(record_pcrs, count, NUMBER),
    {0},
};

static const struct record_field protection_run_fields[] = {
    FIELD(record_protection_run, base, NUMBER),
    FIELD(record_protection_run, size, NUMBER),
    FIELD(record_protection_run, status, NUMBER),
    FIELD(record_protection_run, attributes, NUMBER),
    {0},
};

static const struct record_field protection_fields[] = {
    FIELD(record_protection, locate_status, NUMBER),
    {0},
};

static const struct record_field digest_fields[] = {
    FIELD(record_digest, algorithm, NUMBER),
    FIELD(record_digest, size, NUMBER),
    {0},
};

static const struct record_field acpi_fields[] = {
    FIELD(record_acpi, address, NUMBER),
    FIELD(record_acpi, length, NUMBER),
    FIELD(record_acpi, sum, NUMBER),
    FIELD(record_acpi, named_by, NUMBER),
    {0},
};

static const struct record_field pci_fields[] = {
    FIELD(record_pci, segment, NUMBER),
    FIELD(record_pci, bus, NUMBER),
    FIELD(record_pci, device, NUMBER),
    FIELD(record_pci, function, NUMBER),
    FIELD(record_pci, flags, NUMBER),
    FIELD(record_pci, bar_size, QUADS),
    {0},
};

static const struct record_field random_fields[] = {
    FIELD(record_random, locate_status, NUMBER),
    FIELD(record_random, status, NUMBER),
    {0},
};

static const struct record_field firmware_fields[] = {
    FIELD(record_firmware, firmware_revision, NUMBER),
    FIELD(record_firmware, uefi_revision, NUMBER),
    {0},
};

static const struct record_field call_fields[] = {
    FIELD(record_call, service, NUMBER), FIELD(record_call, arguments, QUADS),
    FIELD(record_call, status, NUMBER),  FIELD(record_call, before, NUMBER),
    FIELD(record_call, after, NUMBER),   {0},
};

static const struct record_field file_read_fields[] = {
    FIELD(record_file_read, status, NUMBER), FIELD(record_file_read, offset, NUMBER),
    FIELD(record_file_read, asked, NUMBER),  FIELD(record_file_read, got, NUMBER),
    FIELD(record_file_read, left, NUMBER),   {0},
};

static const struct record_field exit_fields[] = {
    FIELD(record_exit, attempt, NUMBER),
    FIELD(record_exit, map_status, NUMBER),
    FIELD(record_exit, key, NUMBER),
    FIELD(record_exit, status, NUMBER),
    FIELD(record_exit, before, NUMBER),
    FIELD(record_exit, after, NUMBER),
    {0},
};

static const struct record_field after_exit_fields[] = {
    FIELD(record_after_exit, rflags, NUMBER),
    FIELD(record_after_exit, apic_base, NUMBER),
    FIELD(record_after_exit, valid, NUMBER),
    FIELD(record_after_exit, apic_id, NUMBER),
    FIELD(record_after_exit, apic_version, NUMBER),
    FIELD(record_after_exit, spurious, NUMBER),
    FIELD(record_after_exit, priority, NUMBER),
    FIELD(record_after_exit, error, NUMBER),
    FIELD(record_after_exit, lvt_timer, NUMBER),
    FIELD(record_after_exit, lvt_thermal, NUMBER),
    FIELD(record_after_exit, lvt_performance, NUMBER),
    FIELD(record_after_exit, lvt_lint0, NUMBER),
    FIELD(record_after_exit, lvt_lint1, NUMBER),
    FIELD(record_after_exit, lvt_error, NUMBER),
    FIELD(record_after_exit, lvt_cmci, NUMBER),
    FIELD(record_after_exit, timer_initial, NUMBER),
    FIELD(record_after_exit, timer_current, NUMBER),
    FIELD(record_after_exit, timer_divide, NUMBER),
    FIELD(record_after_exit, in_service, WORDS),
    FIELD(record_after_exit, requested, WORDS),
    FIELD(record_after_exit, pic_mask, HEX),
    FIELD(record_after_exit, pic_requested, HEX),
    FIELD(record_after_exit, pic_in_service, HEX),
    FIELD(record_after_exit, pic_edge_level, HEX),
    {0},
};

static const struct record_field io_apic_fields[] = {
    FIELD(record_io_apic, address, NUMBER),
    FIELD(record_io_apic, id, NUMBER),
    FIELD(record_io_apic, version, NUMBER),
    {0},
};

static const struct record_field hpet_fields[] = {
    FIELD(record_hpet, address, NUMBER),       FIELD(record_hpet, capabilities, NUMBER),
    FIELD(record_hpet, configuration, NUMBER), FIELD(record_hpet, status, NUMBER),
    FIELD(record_hpet, counter, NUMBER),       {0},
};

static const struct record_field pci_command_fields[] = {
    FIELD(record_pci_command, segment, NUMBER),         FIELD(record_pci_command, bus, NUMBER),
    FIELD(record_pci_command, device_function, NUMBER), FIELD(record_pci_command, command, NUMBER),
    FIELD(record_pci_command, class_code, NUMBER),      {0},
};

static const struct record_field processor_fields[] = {
    FIELD(record_processor, apic_id, NUMBER),
    FIELD(record_processor, result, NUMBER),
    FIELD(record_processor, wake_nanoseconds, NUMBER),
    FIELD(record_processor, apic_base, NUMBER),
    FIELD(record_processor, cr0, NUMBER),
    FIELD(record_processor, cr4, NUMBER),
    FIELD(record_processor, efer, NUMBER),
    {0},
};

static const struct record_field canary_fields[] = {
    FIELD(record_canary, base, NUMBER),        FIELD(record_canary, size, NUMBER),
    FIELD(record_canary, nanoseconds, NUMBER), FIELD(record_canary, changed, NUMBER),
    FIELD(record_canary, first, NUMBER),       {0},
};

static const struct record_field interrupt_fields[] = {
    FIELD(record_interrupt, vector, NUMBER),
    FIELD(record_interrupt, count, NUMBER),
    {0},
};

static const struct record_field interrupts_fields[] = {
    FIELD(record_interrupts, nanoseconds, NUMBER),
    {0},
};

static const struct record_field runtime_call_fields[] = {
    FIELD(record_runtime_call, service, NUMBER),
    FIELD(record_runtime_call, flags, NUMBER),
    FIELD(record_runtime_call, arguments, QUADS),
    FIELD(record_runtime_call, status, NUMBER),
    FIELD(record_runtime_call, before, NUMBER),
    FIELD(record_runtime_call, after, NUMBER),
    FIELD(record_runtime_call, changed, NUMBER),
    FIELD(record_runtime_call, stack_used, NUMBER),
    {0},
};

static const struct record_field runtime_fault_fields[] = {
    FIELD(record_runtime_fault, service, NUMBER),
    FIELD(record_runtime_fault, vector, NUMBER),
    FIELD(record_runtime_fault, rip, NUMBER),
    FIELD(record_runtime_fault, address, NUMBER),
    FIELD(record_runtime_fault, error_code, NUMBER),
    FIELD(record_runtime_fault, given_up, NUMBER),
    FIELD(record_runtime_fault, memory_type, NUMBER),
    FIELD(record_runtime_fault, image_base, NUMBER),
    FIELD(record_runtime_fault, image, TEXT),
    {0},
};

static const struct record_field cmos_fields[] = {
    FIELD(record_cmos, registers, HEX),
    FIELD(record_cmos, century, NUMBER),
    FIELD(record_cmos, updating, NUMBER),
    {0},
};

static const struct record_field variable_list_fields[] = {
    FIELD(record_variable_list, status, NUMBER),
    FIELD(record_variable_list, count, NUMBER),
    FIELD(record_variable_list, limit, NUMBER),
    FIELD(record_variable_list, repeated, NUMBER),
    FIELD(record_variable_list, maximum_storage, NUMBER),
    FIELD(record_variable_list, remaining_storage, NUMBER),
    FIELD(record_variable_list, maximum_size, NUMBER),
    FIELD(record_variable_list, query_status, NUMBER),
    {0},
};

static const struct record_field clock_fields[] = {
    FIELD(record_clock, tsc_hz, NUMBER),
    FIELD(record_clock, reference, NUMBER),
    {0},
};

static const struct record_field still_running_fields[] = {
    FIELD(record_still_running, nanoseconds, NUMBER),
    {0},
};

static const struct record_field pci_range_fields[] = {
    FIELD(record_pci_range, segment, NUMBER),
    FIELD(record_pci_range, bus, NUMBER),
    FIELD(record_pci_range, device_function, NUMBER),
    FIELD(record_pci_range, number, NUMBER),
    FIELD(record_pci_range, base, NUMBER),
    FIELD(record_pci_range, size, NUMBER),
    FIELD(record_pci_range, flags, NUMBER),
    {0},
};
static const struct record_field observation_fields[] = {
    FIELD(record_observation, what, NUMBER),
    FIELD(record_observation, nanoseconds, NUMBER),
    {0},
};

/* EFI_MEMORY_DESCRIPTOR (UEFI 2.11, 7.2.3). */
const struct record_field record_descriptor_fields[] = {
    {"type", 0, 4, RECORD_FORM_NUMBER},        {"base", 8, 8, RECORD_FORM_NUMBER},
    {"virtual", 16, 8, RECORD_FORM_NUMBER},    {"pages", 24, 8, RECORD_FORM_NUMBER},
    {"attributes", 32, 8, RECORD_FORM_NUMBER}, {0},
};

/* A section header of a PE image (Microsoft's PE format, "Section Table"). */
const struct record_field record_section_fields[] = {
    {"name", 0, 8, RECORD_FORM_TEXT},
    {"virtual_size", 8, 4, RECORD_FORM_NUMBER},
    {"virtual_address", 12, 4, RECORD_FORM_NUMBER},
    {"characteristics", 36, 4, RECORD_FORM_NUMBER},
    {0},
};

#define PLAIN(kind, name, type, tail)                                                              \
    {                                                                                              \
        RECORD_##kind, sizeof(struct record_##type), name, type##_fields, RECORD_TAIL_##tail,      \
            NULL, 0                                                                                \
    }
#define ITEMS(kind, name, type, item)                                                              \
    {                                                                                              \
        RECORD_##kind, sizeof(struct record_##type), name, type##_fields, RECORD_TAIL_ITEMS,       \
            item##_fields, sizeof(struct record_##item)                                            \
    }
/* No fixed part: items alone. */
#define LIST(kind, name, item)                                                                     \
    {                                                                                              \
        RECORD_##kind, 0, name, nothing, RECORD_TAIL_ITEMS, item##_fields,                         \
            sizeof(struct record_##item)                                                           \
    }

static const struct record_field nothing[] = {{0}};

static const struct record_kind_description kinds[] = {
    PLAIN(ENTRY_STATE, "entry_state", entry_state, NONE),
    LIST(CPUID, "cpuid", cpuid),
    ITEMS(MSRS, "msrs", msrs, msr),
    PLAIN(MAP_FIRST, "map_first", map, DESCRIPTORS),
    ITEMS(PAGE_TABLES, "page_tables", page_tables, page_run),
    PLAIN(SYSTEM_TABLE, "system_table", bytes, BYTES),
    PLAIN(BOOT_SERVICES, "boot_services", bytes, BYTES),
    PLAIN(RUNTIME_SERVICES, "runtime_services", bytes, BYTES),
    LIST(CONFIGURATION, "configuration", configuration),
    PLAIN(VENDOR_TABLE, "vendor_table", vendor_table, BYTES),
    PLAIN(IMAGE, "image", image, IMAGE),
    PLAIN(HANDLE, "handle", handle, HANDLE),
    PLAIN(SCREEN, "screen", screen, BYTES),
    PLAIN(BLOCK_DEVICE, "block_device", block_device, BYTES),
    PLAIN(VARIABLE, "variable", variable, VARIABLE),
    PLAIN(TPM, "tpm", tpm, BYTES),
    PLAIN(TPM_LOG, "tpm_log", tpm_log, BYTES),
    PLAIN(TPM_FINAL_LOG, "tpm_final_log", bytes, BYTES),
    PLAIN(PCRS, "pcrs", pcrs, BYTES),
    ITEMS(MEMORY_PROTECTION, "memory_protection", protection, protection_run),
    PLAIN(LOADER_DIGEST, "loader_digest", digest, BYTES),
    PLAIN(ACPI_ROOT, "acpi_root", acpi, BYTES),
    PLAIN(ACPI_TABLE, "acpi_table", acpi, BYTES),
    PLAIN(SMBIOS_ANCHOR, "smbios_anchor", bytes, BYTES),
    PLAIN(SMBIOS_STRUCTURES, "smbios_structures", bytes, BYTES),
    PLAIN(BOOT_PERFORMANCE, "boot_performance", bytes, BYTES),
    PLAIN(PCI_FUNCTION, "pci_function", pci, BYTES),
    PLAIN(RANDOM, "random", random, NONE),
    {RECORD_LOAD_OPTIONS, 0, "load_options", nothing, RECORD_TAIL_BYTES, NULL, 0},
    PLAIN(FIRMWARE, "firmware", firmware, UTF16),
    PLAIN(CALL, "call", call, NONE),
    PLAIN(FILE_READ, "file_read", file_read, UTF8),
    PLAIN(MAP_EXIT, "map_exit", map, DESCRIPTORS),
    PLAIN(EXIT_ATTEMPT, "exit_attempt", exit, NONE),
    PLAIN(SYSTEM_TABLE_AFTER, "system_table_after", bytes, BYTES),
    PLAIN(AFTER_EXIT, "after_exit", after_exit, NONE),
    PLAIN(IO_APIC, "io_apic", io_apic, QUADS),
    PLAIN(HPET, "hpet", hpet, QUADS),
    LIST(PCI_COMMANDS, "pci_commands", pci_command),
    PLAIN(PROCESSOR, "processor", processor, NONE),
    ITEMS(PROCESSOR_MSRS, "processor_msrs", msrs, msr),
    PLAIN(CANARY, "canary", canary, BYTES),
    ITEMS(INTERRUPTS, "interrupts", interrupts, interrupt),
    PLAIN(RUNTIME_CALL, "runtime_call", runtime_call, BYTES),
    PLAIN(RUNTIME_FAULT, "runtime_fault", runtime_fault, NONE),
    PLAIN(CMOS_TIME, "cmos_time", cmos, NONE),
    PLAIN(RUNTIME_VARIABLE, "runtime_variable", variable, VARIABLE),
    PLAIN(VARIABLE_LIST, "variable_list", variable_list, NONE),
    PLAIN(CLOCK, "clock", clock, NONE),
    PLAIN(STILL_RUNNING, "still_running", still_running, NONE),
    LIST(PCI_RANGES, "pci_ranges", pci_range),
    PLAIN(VIRTUAL_MAP, "virtual_map", map, DESCRIPTORS),
    PLAIN(VIRTUAL_CALL, "virtual_call", runtime_call, BYTES),
    PLAIN(VIRTUAL_FAULT, "virtual_fault", runtime_fault, NONE),
    PLAIN(OBSERVATION, "observation", observation, NONE),
    {RECORD_NOTE, 0, "note", nothing, RECORD_TAIL_UTF8, NULL, 0},
};

const struct record_kind_description *record_kind_describe(uint16_t kind)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (kinds[i].kind == kind)
            return &kinds[i];
    }
    return NULL;
}

const char *record_kind_name(uint16_t kind)
{
    const struct record_kind_description *description = record_kind_describe(kind);

    return description != NULL ? description->name : NULL;
}
