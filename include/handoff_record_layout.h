/*
 * handoff_record_layout.h: the layout of handoff_record.h, asserted field by
 * field. Only ever add lines here: records of real machines have this layout.
 */
#ifndef BATON_HANDOFF_RECORD_LAYOUT_H
#define BATON_HANDOFF_RECORD_LAYOUT_H

#define SIZE(type, bytes) _Static_assert(sizeof(struct type) == (bytes), "record layout")
#define OFFSET(type, field, bytes)                                                                 \
    _Static_assert(__builtin_offsetof(struct type, field) == (bytes), "record layout")

SIZE(record_header, 88);
OFFSET(record_header, version, 8);
OFFSET(record_header, header_size, 10);
OFFSET(record_header, flags, 12);
OFFSET(record_header, size, 16);
OFFSET(record_header, crc, 24);
OFFSET(record_header, lost_entries, 28);
OFFSET(record_header, lost_bytes, 32);
OFFSET(record_header, boot, 40);
OFFSET(record_header, build, 56);

SIZE(record_entry_header, 16);
OFFSET(record_entry_header, kind, 0);
OFFSET(record_entry_header, version, 2);
OFFSET(record_entry_header, size, 4);
OFFSET(record_entry_header, tsc, 8);

SIZE(record_entry_state, 160);
OFFSET(record_entry_state, rflags, 0);
OFFSET(record_entry_state, cr0, 8);
OFFSET(record_entry_state, cr2, 16);
OFFSET(record_entry_state, cr3, 24);
OFFSET(record_entry_state, cr4, 32);
OFFSET(record_entry_state, cr8, 40);
OFFSET(record_entry_state, efer, 48);
OFFSET(record_entry_state, pat, 56);
OFFSET(record_entry_state, xcr0, 64);
OFFSET(record_entry_state, apic_base, 72);
OFFSET(record_entry_state, rsp, 80);
OFFSET(record_entry_state, rip, 88);
OFFSET(record_entry_state, gdt_base, 96);
OFFSET(record_entry_state, idt_base, 104);
OFFSET(record_entry_state, gdt_limit, 112);
OFFSET(record_entry_state, idt_limit, 114);
OFFSET(record_entry_state, cs, 116);
OFFSET(record_entry_state, ds, 118);
OFFSET(record_entry_state, es, 120);
OFFSET(record_entry_state, fs, 122);
OFFSET(record_entry_state, gs, 124);
OFFSET(record_entry_state, ss, 126);
OFFSET(record_entry_state, tr, 128);
OFFSET(record_entry_state, ldtr, 130);
OFFSET(record_entry_state, fcw, 132);
OFFSET(record_entry_state, reserved, 134);
OFFSET(record_entry_state, mxcsr, 136);
OFFSET(record_entry_state, valid, 140);
OFFSET(record_entry_state, image_handle, 144);
OFFSET(record_entry_state, system_table, 152);

SIZE(record_cpuid, 24);
OFFSET(record_cpuid, leaf, 0);
OFFSET(record_cpuid, subleaf, 4);
OFFSET(record_cpuid, eax, 8);
OFFSET(record_cpuid, ebx, 12);
OFFSET(record_cpuid, ecx, 16);
OFFSET(record_cpuid, edx, 20);

SIZE(record_msr, 16);
OFFSET(record_msr, index, 0);
OFFSET(record_msr, faulted, 4);
OFFSET(record_msr, value, 8);

SIZE(record_msrs, 8);
OFFSET(record_msrs, apic_id, 0);
OFFSET(record_msrs, count, 4);
OFFSET(record_msrs, msrs, 8);

SIZE(record_map, 48);
OFFSET(record_map, probe_size, 0);
OFFSET(record_map, status, 8);
OFFSET(record_map, key, 16);
OFFSET(record_map, map_size, 24);
OFFSET(record_map, descriptor_size, 32);
OFFSET(record_map, descriptor_version, 40);
OFFSET(record_map, reserved, 44);
OFFSET(record_map, descriptors, 48);

SIZE(record_page_run, 32);
OFFSET(record_page_run, linear, 0);
OFFSET(record_page_run, physical, 8);
OFFSET(record_page_run, pages, 16);
OFFSET(record_page_run, rights, 24);
OFFSET(record_page_run, level, 26);
OFFSET(record_page_run, memory_type, 27);
OFFSET(record_page_run, reserved, 28);

SIZE(record_page_tables, 16);
OFFSET(record_page_tables, root, 0);
OFFSET(record_page_tables, levels, 8);
OFFSET(record_page_tables, cut, 12);
OFFSET(record_page_tables, runs, 16);

SIZE(record_bytes, 16);
OFFSET(record_bytes, address, 0);
OFFSET(record_bytes, length, 8);
OFFSET(record_bytes, bytes, 16);

SIZE(record_configuration, 24);
OFFSET(record_configuration, guid, 0);
OFFSET(record_configuration, address, 16);

SIZE(record_vendor_table, 32);
OFFSET(record_vendor_table, guid, 0);
OFFSET(record_vendor_table, address, 16);
OFFSET(record_vendor_table, length, 24);
OFFSET(record_vendor_table, bytes, 32);

SIZE(record_image, 64);
OFFSET(record_image, handle, 0);
OFFSET(record_image, base, 8);
OFFSET(record_image, size, 16);
OFFSET(record_image, entry_point, 24);
OFFSET(record_image, flags, 32);
OFFSET(record_image, code_type, 36);
OFFSET(record_image, data_type, 40);
OFFSET(record_image, section_alignment, 44);
OFFSET(record_image, subsystem, 48);
OFFSET(record_image, dll_characteristics, 50);
OFFSET(record_image, section_count, 52);
OFFSET(record_image, name_size, 54);
OFFSET(record_image, path_size, 56);
OFFSET(record_image, reserved, 60);
OFFSET(record_image, tail, 64);

SIZE(record_handle, 16);
OFFSET(record_handle, handle, 0);
OFFSET(record_handle, protocol_count, 8);
OFFSET(record_handle, path_size, 12);
OFFSET(record_handle, tail, 16);

SIZE(record_screen, 88);
OFFSET(record_screen, handle, 0);
OFFSET(record_screen, framebuffer_base, 8);
OFFSET(record_screen, framebuffer_size, 16);
OFFSET(record_screen, bar_base, 24);
OFFSET(record_screen, bar_size, 32);
OFFSET(record_screen, flags, 40);
OFFSET(record_screen, mode, 44);
OFFSET(record_screen, mode_count, 48);
OFFSET(record_screen, width, 52);
OFFSET(record_screen, height, 56);
OFFSET(record_screen, stride, 60);
OFFSET(record_screen, pixel_format, 64);
OFFSET(record_screen, red_mask, 68);
OFFSET(record_screen, green_mask, 72);
OFFSET(record_screen, blue_mask, 76);
OFFSET(record_screen, reserved_mask, 80);
OFFSET(record_screen, edid_size, 84);
OFFSET(record_screen, edid, 88);

SIZE(record_block_device, 32);
OFFSET(record_block_device, handle, 0);
OFFSET(record_block_device, last_block, 8);
OFFSET(record_block_device, block_size, 16);
OFFSET(record_block_device, media_id, 20);
OFFSET(record_block_device, flags, 24);
OFFSET(record_block_device, path_size, 28);
OFFSET(record_block_device, path, 32);

SIZE(record_variable, 72);
OFFSET(record_variable, guid, 0);
OFFSET(record_variable, status, 16);
OFFSET(record_variable, attributes, 24);
OFFSET(record_variable, data_size, 28);
OFFSET(record_variable, name_size, 32);
OFFSET(record_variable, data_kept, 36);
OFFSET(record_variable, sha256, 40);
OFFSET(record_variable, tail, 72);

SIZE(record_tpm, 16);
OFFSET(record_tpm, locate_status, 0);
OFFSET(record_tpm, capability_status, 8);
OFFSET(record_tpm, capability, 16);

SIZE(record_tpm_log, 32);
OFFSET(record_tpm_log, status, 0);
OFFSET(record_tpm_log, location, 8);
OFFSET(record_tpm_log, last_entry, 16);
OFFSET(record_tpm_log, format, 24);
OFFSET(record_tpm_log, truncated, 28);
OFFSET(record_tpm_log, bytes, 32);

SIZE(record_pcrs, 16);
OFFSET(record_pcrs, status, 0);
OFFSET(record_pcrs, algorithm, 8);
OFFSET(record_pcrs, digest_size, 10);
OFFSET(record_pcrs, count, 12);
OFFSET(record_pcrs, digests, 16);

SIZE(record_protection_run, 32);
OFFSET(record_protection_run, base, 0);
OFFSET(record_protection_run, size, 8);
OFFSET(record_protection_run, status, 16);
OFFSET(record_protection_run, attributes, 24);

SIZE(record_protection, 8);
OFFSET(record_protection, locate_status, 0);
OFFSET(record_protection, runs, 8);

SIZE(record_digest, 8);
OFFSET(record_digest, algorithm, 0);
OFFSET(record_digest, size, 2);
OFFSET(record_digest, reserved, 4);
OFFSET(record_digest, bytes, 8);

SIZE(record_acpi, 16);
OFFSET(record_acpi, address, 0);
OFFSET(record_acpi, length, 8);
OFFSET(record_acpi, sum, 12);
OFFSET(record_acpi, named_by, 13);
OFFSET(record_acpi, reserved, 14);
OFFSET(record_acpi, bytes, 16);

SIZE(record_pci, 56);
OFFSET(record_pci, segment, 0);
OFFSET(record_pci, bus, 2);
OFFSET(record_pci, device, 3);
OFFSET(record_pci, function, 4);
OFFSET(record_pci, flags, 5);
OFFSET(record_pci, reserved, 6);
OFFSET(record_pci, bar_size, 8);
OFFSET(record_pci, configuration, 56);

SIZE(record_random, 16);
OFFSET(record_random, locate_status, 0);
OFFSET(record_random, status, 8);

SIZE(record_firmware, 8);
OFFSET(record_firmware, firmware_revision, 0);
OFFSET(record_firmware, uefi_revision, 4);
OFFSET(record_firmware, vendor, 8);

SIZE(record_call, 64);
OFFSET(record_call, service, 0);
OFFSET(record_call, reserved, 4);
OFFSET(record_call, arguments, 8);
OFFSET(record_call, status, 40);
OFFSET(record_call, before, 48);
OFFSET(record_call, after, 56);

SIZE(record_file_read, 40);
OFFSET(record_file_read, status, 0);
OFFSET(record_file_read, offset, 8);
OFFSET(record_file_read, asked, 16);
OFFSET(record_file_read, got, 24);
OFFSET(record_file_read, left, 32);
OFFSET(record_file_read, path, 40);

SIZE(record_exit, 48);
OFFSET(record_exit, attempt, 0);
OFFSET(record_exit, reserved, 4);
OFFSET(record_exit, map_status, 8);
OFFSET(record_exit, key, 16);
OFFSET(record_exit, status, 24);
OFFSET(record_exit, before, 32);
OFFSET(record_exit, after, 40);

SIZE(record_after_exit, 152);
OFFSET(record_after_exit, rflags, 0);
OFFSET(record_after_exit, apic_base, 8);
OFFSET(record_after_exit, valid, 16);
OFFSET(record_after_exit, apic_id, 20);
OFFSET(record_after_exit, apic_version, 24);
OFFSET(record_after_exit, spurious, 28);
OFFSET(record_after_exit, priority, 32);
OFFSET(record_after_exit, error, 36);
OFFSET(record_after_exit, lvt_timer, 40);
OFFSET(record_after_exit, lvt_thermal, 44);
OFFSET(record_after_exit, lvt_performance, 48);
OFFSET(record_after_exit, lvt_lint0, 52);
OFFSET(record_after_exit, lvt_lint1, 56);
OFFSET(record_after_exit, lvt_error, 60);
OFFSET(record_after_exit, lvt_cmci, 64);
OFFSET(record_after_exit, timer_initial, 68);
OFFSET(record_after_exit, timer_current, 72);
OFFSET(record_after_exit, timer_divide, 76);
OFFSET(record_after_exit, in_service, 80);
OFFSET(record_after_exit, requested, 112);
OFFSET(record_after_exit, pic_mask, 144);
OFFSET(record_after_exit, pic_requested, 146);
OFFSET(record_after_exit, pic_in_service, 148);
OFFSET(record_after_exit, pic_edge_level, 150);

SIZE(record_io_apic, 16);
OFFSET(record_io_apic, address, 0);
OFFSET(record_io_apic, id, 8);
OFFSET(record_io_apic, version, 12);
OFFSET(record_io_apic, entries, 16);

SIZE(record_hpet, 40);
OFFSET(record_hpet, address, 0);
OFFSET(record_hpet, capabilities, 8);
OFFSET(record_hpet, configuration, 16);
OFFSET(record_hpet, status, 24);
OFFSET(record_hpet, counter, 32);
OFFSET(record_hpet, timers, 40);

SIZE(record_pci_command, 8);
OFFSET(record_pci_command, segment, 0);
OFFSET(record_pci_command, bus, 2);
OFFSET(record_pci_command, device_function, 3);
OFFSET(record_pci_command, command, 4);
OFFSET(record_pci_command, class_code, 6);

SIZE(record_processor, 48);
OFFSET(record_processor, apic_id, 0);
OFFSET(record_processor, result, 4);
OFFSET(record_processor, wake_nanoseconds, 8);
OFFSET(record_processor, apic_base, 16);
OFFSET(record_processor, cr0, 24);
OFFSET(record_processor, cr4, 32);
OFFSET(record_processor, efer, 40);

SIZE(record_canary, 40);
OFFSET(record_canary, base, 0);
OFFSET(record_canary, size, 8);
OFFSET(record_canary, nanoseconds, 16);
OFFSET(record_canary, changed, 24);
OFFSET(record_canary, first, 32);
OFFSET(record_canary, bytes, 40);

SIZE(record_interrupt, 8);
OFFSET(record_interrupt, vector, 0);
OFFSET(record_interrupt, count, 4);

SIZE(record_interrupts, 8);
OFFSET(record_interrupts, nanoseconds, 0);
OFFSET(record_interrupts, vectors, 8);

SIZE(record_runtime_call, 72);
OFFSET(record_runtime_call, service, 0);
OFFSET(record_runtime_call, flags, 4);
OFFSET(record_runtime_call, arguments, 8);
OFFSET(record_runtime_call, status, 40);
OFFSET(record_runtime_call, before, 48);
OFFSET(record_runtime_call, after, 56);
OFFSET(record_runtime_call, changed, 64);
OFFSET(record_runtime_call, stack_used, 68);
OFFSET(record_runtime_call, result, 72);

SIZE(record_runtime_fault, 80);
OFFSET(record_runtime_fault, service, 0);
OFFSET(record_runtime_fault, vector, 4);
OFFSET(record_runtime_fault, rip, 8);
OFFSET(record_runtime_fault, address, 16);
OFFSET(record_runtime_fault, error_code, 24);
OFFSET(record_runtime_fault, given_up, 28);
OFFSET(record_runtime_fault, memory_type, 32);
OFFSET(record_runtime_fault, reserved, 36);
OFFSET(record_runtime_fault, image_base, 40);
OFFSET(record_runtime_fault, image, 48);

SIZE(record_cmos, 16);
OFFSET(record_cmos, registers, 0);
OFFSET(record_cmos, century, 14);
OFFSET(record_cmos, updating, 15);

SIZE(record_variable_list, 64);
OFFSET(record_variable_list, status, 0);
OFFSET(record_variable_list, count, 8);
OFFSET(record_variable_list, limit, 16);
OFFSET(record_variable_list, repeated, 24);
OFFSET(record_variable_list, reserved, 28);
OFFSET(record_variable_list, maximum_storage, 32);
OFFSET(record_variable_list, remaining_storage, 40);
OFFSET(record_variable_list, maximum_size, 48);
OFFSET(record_variable_list, query_status, 56);

SIZE(record_clock, 16);
OFFSET(record_clock, tsc_hz, 0);
OFFSET(record_clock, reference, 8);
OFFSET(record_clock, reserved, 12);

SIZE(record_still_running, 8);
OFFSET(record_still_running, nanoseconds, 0);
SIZE(record_pci_range, 32);
OFFSET(record_pci_range, segment, 0);
OFFSET(record_pci_range, bus, 2);
OFFSET(record_pci_range, device_function, 3);
OFFSET(record_pci_range, number, 4);
OFFSET(record_pci_range, base, 8);
OFFSET(record_pci_range, size, 16);
OFFSET(record_pci_range, flags, 24);

SIZE(record_observation, 16);
OFFSET(record_observation, what, 0);
OFFSET(record_observation, reserved, 4);
OFFSET(record_observation, nanoseconds, 8);

#undef SIZE
#undef OFFSET

#endif
