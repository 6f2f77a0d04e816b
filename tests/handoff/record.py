"""Makes records of a handoff (include/handoff_record.h), field by field: written apart from the C code,
so that each checks the other. A Structure has named fields; what is behind it is its tail."""
import re
import struct
import uuid
import zlib

SEALED, EDITED = 1, 2


class Structure:
    """A layout: 'Q rflags H cs 8I in_service 16s guid'; a name that begins with '_' is reserved."""

    def __init__(self, text):
        words = re.findall(r"(\S+) (\S+)", text)
        self.format = "<" + "".join(form for form, _ in words)
        self.names = [name for form, name in words]
        self.counts = [int(form[:-1]) if len(form) > 1 and form[-1] != "s" else 0
                       for form, _ in words]
        self.texts = [form.endswith("s") for form, _ in words]
        self.size = struct.calcsize(self.format)

    def pack(self, **fields):
        values = []
        for name, count, text in zip(self.names, self.counts, self.texts):
            value = fields.pop(name, b"" if text else 0)
            if count:
                value = list(value or [])
                values += (value + [0] * count)[:count]
            else:
                values.append(value)
        assert not fields, f"no such fields: {fields}"
        return struct.pack(self.format, *values)


KINDS = {
    "entry_state": (0x0001, Structure(
        "Q rflags Q cr0 Q cr2 Q cr3 Q cr4 Q cr8 Q efer Q pat Q xcr0 Q apic_base Q rsp Q rip Q gdt_base "
        "Q idt_base H gdt_limit H idt_limit H cs H ds H es H fs H gs H ss H tr H ldtr H fcw H _ I mxcsr "
        "I valid Q image_handle Q system_table")),
    "cpuid": (0x0002, Structure("")),
    "msrs": (0x0003, Structure("I apic_id I count")),
    "map_first": (0x0101, Structure("Q probe_size Q status Q key Q map_size Q descriptor_size "
                                    "I descriptor_version I _")),
    "page_tables": (0x0102, Structure("Q root I levels I cut")),
    "system_table": (0x0201, Structure("Q address Q length")),
    "boot_services": (0x0202, Structure("Q address Q length")),
    "runtime_services": (0x0203, Structure("Q address Q length")),
    "configuration": (0x0204, Structure("")),
    "vendor_table": (0x0205, Structure("16s guid Q address Q length")),
    "image": (0x0206, Structure("Q handle Q base Q size Q entry_point I flags I code_type I data_type "
                                "I section_alignment H subsystem H dll_characteristics H section_count "
                                "H name_size I path_size I _")),
    "handle": (0x0207, Structure("Q handle I protocol_count I path_size")),
    "screen": (0x0208, Structure(
        "Q handle Q framebuffer_base Q framebuffer_size Q bar_base Q bar_size I flags I mode I mode_count "
        "I width I height I stride I pixel_format I red_mask I green_mask I blue_mask I reserved_mask "
        "I edid_size")),
    "block_device": (0x0209, Structure("Q handle Q last_block I block_size I media_id I flags I path_size")),
    "variable": (0x020a, Structure("16s guid Q status I attributes I data_size I name_size I data_kept "
                                   "32s sha256")),
    "tpm": (0x020b, Structure("Q locate_status Q capability_status")),
    "tpm_log": (0x020c, Structure("Q status Q location Q last_entry I format I truncated")),
    "tpm_final_log": (0x020d, Structure("Q address Q length")),
    "pcrs": (0x020e, Structure("Q status H algorithm H digest_size I count")),
    "memory_protection": (0x020f, Structure("Q locate_status")),
    "loader_digest": (0x0210, Structure("H algorithm H size I _")),
    "acpi_root": (0x0211, Structure("Q address I length B sum B named_by 2s _")),
    "acpi_table": (0x0212, Structure("Q address I length B sum B named_by 2s _")),
    "smbios_anchor": (0x0213, Structure("Q address Q length")),
    "smbios_structures": (0x0214, Structure("Q address Q length")),
    "boot_performance": (0x0215, Structure("Q address Q length")),
    "pci_function": (0x0216, Structure("H segment B bus B device B function B flags 2s _ 6Q bar_size")),
    "random": (0x0217, Structure("Q locate_status Q status")),
    "load_options": (0x0218, Structure("")),
    "firmware": (0x0219, Structure("I firmware_revision I uefi_revision")),
    "call": (0x0301, Structure("I service I _ 4Q arguments Q status Q before Q after")),
    "file_read": (0x0302, Structure("Q status Q offset Q asked Q got Q left")),
    "map_exit": (0x0401, Structure("Q probe_size Q status Q key Q map_size Q descriptor_size "
                                   "I descriptor_version I _")),
    "exit_attempt": (0x0402, Structure("I attempt I _ Q map_status Q key Q status Q before Q after")),
    "system_table_after": (0x0501, Structure("Q address Q length")),
    "after_exit": (0x0502, Structure(
        "Q rflags Q apic_base I valid I apic_id I apic_version I spurious I priority I error I lvt_timer "
        "I lvt_thermal I lvt_performance I lvt_lint0 I lvt_lint1 I lvt_error I lvt_cmci I timer_initial "
        "I timer_current I timer_divide 8I in_service 8I requested 2s pic_mask 2s pic_requested "
        "2s pic_in_service 2s pic_edge_level")),
    "io_apic": (0x0503, Structure("Q address I id I version")),
    "hpet": (0x0504, Structure("Q address Q capabilities Q configuration Q status Q counter")),
    "pci_commands": (0x0505, Structure("")),
    "processor": (0x0601, Structure("I apic_id I result Q wake_nanoseconds Q apic_base Q cr0 Q cr4 Q efer")),
    "processor_msrs": (0x0602, Structure("I apic_id I count")),
    "canary": (0x0603, Structure("Q base Q size Q nanoseconds Q changed Q first")),
    "interrupts": (0x0604, Structure("Q nanoseconds")),
    "runtime_call": (0x0605, Structure("I service I flags 4Q arguments Q status Q before Q after I changed "
                                       "I stack_used")),
    "runtime_fault": (0x0606, Structure("I service I vector Q rip Q address I error_code I given_up "
                                        "I memory_type I _ Q image_base 32s image")),
    "cmos_time": (0x0607, Structure("14s registers B century B updating")),
    "runtime_variable": (0x0608, Structure("16s guid Q status I attributes I data_size I name_size "
                                           "I data_kept 32s sha256")),
    "variable_list": (0x0609, Structure("Q status Q count Q limit I repeated I _ Q maximum_storage "
                                        "Q remaining_storage Q maximum_size Q query_status")),
    "clock": (0x060a, Structure("Q tsc_hz I reference I _")),
    "still_running": (0x060b, Structure("Q nanoseconds")),
    "pci_ranges": (0x060c, Structure("")),
    "virtual_map": (0x0701, Structure("Q probe_size Q status Q key Q map_size Q descriptor_size "
                                      "I descriptor_version I _")),
    "virtual_call": (0x0702, Structure("I service I flags 4Q arguments Q status Q before Q after I changed "
                                       "I stack_used")),
    "virtual_fault": (0x0703, Structure("I service I vector Q rip Q address I error_code I given_up "
                                        "I memory_type I _ Q image_base 32s image")),
    "observation": (0x0801, Structure("I what I _ Q nanoseconds")),
    "note": (0x0802, Structure("")),
}


def padded(data):
    return data + bytes(-len(data) % 8)


def guid(text):
    return uuid.UUID(text).bytes_le


class Entry:
    """One entry: a kind's name, its fields, the tail. Edit it, and pack the record again."""

    def __init__(self, name, tail=b"", tsc=0, **fields):
        self.name, self.fields, self.tail, self.tsc = name, fields, tail, tsc

    def payload(self):
        return KINDS[self.name][1].pack(**self.fields) + self.tail


class Record:
    """A record in the making. `first` and `all` find entries to be edited."""

    def __init__(self, build="0.1-edited", flags=SEALED | EDITED):
        self.entries, self.build, self.flags = [], build, flags
        self.lost_entries = self.lost_bytes = 0
        self.tsc = 1_000_000_000

    def add(self, name, tail=b"", **fields):
        self.tsc += 100_000
        self.entries.append(Entry(name, tail, self.tsc, **fields))
        return self.entries[-1]

    def all(self, name):
        return [entry for entry in self.entries if entry.name == name]

    def first(self, name):
        return self.all(name)[0]

    def remove(self, name):
        self.entries = [entry for entry in self.entries if entry.name != name]

    def note(self, text):
        self.entries.append(Entry("note", text.encode()))

    def bytes(self):
        body = b""
        for entry in self.entries:
            payload = entry.payload()
            body += struct.pack("<HHIQ", KINDS[entry.name][0], 1, len(payload), entry.tsc) + padded(payload)
        header = struct.pack("<8sHHIQIIQ16s32s", b"BATONREC", 1, 88, self.flags, 88 + len(body), 0,
                             self.lost_entries, self.lost_bytes, b"edited, no boot!",
                             self.build.encode())
        crc = zlib.crc32(header + body) if self.flags & SEALED else 0
        return header[:24] + struct.pack("<I", crc) + header[28:] + body
