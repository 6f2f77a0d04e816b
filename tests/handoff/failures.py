"""For each check of the audit, edits of the clean record after which it fails. Several may stand for one
check: each is tried alone. The clean record is the baseline."""
import hashlib
import struct

import clean as c

FAILURES = []  # (check, name, function)


def fails(check, name):
    def keep(function):
        FAILURES.append((check, name, function))
        return function
    return keep


def changed(check, name, kind, index=0, **fields):
    """An edit of single fields of one entry."""
    def edit(record):
        record.all(kind)[index].fields.update(fields)
    FAILURES.append((check, name, edit))


def mapped(check, name, change):
    """An edit of the exit's memory map, which is a list of (type, base, end, attributes)."""
    def edit(record):
        c.set_map(record.first("map_exit"), change(list(c.MAP)))
    FAILURES.append((check, name, edit))


def first_mapped(check, name, change):
    def edit(record):
        c.set_map(record.first("map_first"), change(list(c.MAP)))
    FAILURES.append((check, name, edit))


def words(data, *edits):
    """Bytes with other values at offsets: (offset, format, value)."""
    data = bytearray(data)
    for offset, form, value in edits:
        struct.pack_into(form, data, offset, value)
    return bytes(data)


# ---- map ----

changed(1, "36 bytes", "map_exit", descriptor_size=36)
changed(1, "44 bytes", "map_first", descriptor_size=44)
changed(2, "version 2", "map_exit", descriptor_version=2)
changed(3, "a buffer's size", "map_exit", map_size=520)


@fails(4, "base not aligned")
def _(record):
    entry = record.first("map_exit")
    entry.tail = words(entry.tail, (48 + 8, "<Q", 0x100200))


mapped(5, "an empty range", lambda m: m[:2] + [(c.FREE, c.IMAGE, c.IMAGE, c.WB)] + m[2:])
mapped(6, "beyond 40 bits", lambda m: m + [(c.FREE, 1 << 40, (1 << 40) + 4096, c.WB)])


@fails(6, "wraps round")
def _(record):
    entry = record.first("map_exit")
    entry.tail = words(entry.tail, (len(entry.tail) - 48 + 24, "<Q", 1 << 53))


mapped(7, "two types", lambda m: m[:2] + [(c.RESERVED, c.IMAGE - 4096, c.IMAGE, 1)] + m[2:])
mapped(7, "unsorted", lambda m: m + [(c.RESERVED, c.IMAGE - 4096, c.IMAGE, 1)])
mapped(8, "twice", lambda m: m + [m[3]])
mapped(9, "the other way round", lambda m: m[::-1])
mapped(10, "type 16", lambda m: m + [(16, c.END, c.END + 4096, 1)])
mapped(10, "EfiPalCode", lambda m: m + [(c.PAL, c.END, c.END + 4096, 1)])
mapped(11, "an OEM's", lambda m: m + [(0x70000001, c.END, c.END + 4096, 1)])
mapped(11, "an OS's", lambda m: m + [(0x80000001, c.END, c.END + 4096, 1)])
mapped(12, "without the bit", lambda m: [(k, b, e, a & ~c.RUNTIME) for k, b, e, a in m])
mapped(12, "with it", lambda m: m[:1] + [(k, b, e, a | c.RUNTIME) for k, b, e, a in m[1:2]] + m[2:])
mapped(13, "uncached", lambda m: m[:1] + [(k, b, e, 1) for k, b, e, a in m[1:2]] + m[2:])


def set_msr(index, value, kind="msrs"):
    def edit(record):
        pairs = [(number, value if number == index else old) for number, old in c.MSRS]
        record.first(kind).tail = c.msrs(*pairs)
    return edit


FAILURES.append((14, "default uncached", set_msr(0x2ff, 0xc00)))
FAILURES.append((14, "MTRRs off", set_msr(0x2ff, 6)))
FAILURES.append((14, "a range over RAM", set_msr(0x200, 0x0)))


@fails(14, "a range within RAM")
def _(record):
    record.first("msrs").tail = c.msrs(*c.MSRS, (0x202, 0x2000000), (0x203, 0xffff000800))


@fails(14, "write-through wins over write-back")
def _(record):
    record.first("msrs").tail = c.msrs(*c.MSRS, (0x202, 0x2000004), (0x203, 0xffff000800),
                                       (0x204, 0x2000006), (0x205, 0xffff000800))


changed(15, "at 16 MiB", "screen", framebuffer_base=0x1000000, bar_base=0x1000000)
changed(16, "local APIC", "entry_state", apic_base=0x1000900)


@fails(16, "HPET")
def _(record):
    hpet = [entry for entry in record.all("acpi_table") if entry.tail[:4] == b"HPET"][0]
    hpet.tail = c.sealed(words(hpet.tail, (44, "<Q", 0x1000000)), 9)


@fails(16, "ECAM")
def _(record):
    c.acpi_set(record, b"MCFG", c.mcfg(0x1000000))


@fails(16, "I/O APIC")
def _(record):
    for entry in record.all("acpi_table"):
        if entry.tail[:4] == b"APIC":
            entry.tail = c.sealed(words(entry.tail, (64, "<I", 0x1000000)), 9)


@fails(16, "IOMMU")
def _(record):
    dmar = c.table(b"DMAR", bytes(12) + struct.pack("<HHBBHQ", 0, 16, 0, 0, 0, 0x1000000))
    record.add("acpi_table", dmar, address=c.TABLES, length=len(dmar), named_by=4)


@fails(17, "GetVariable reads page 0")
def _(record):
    record.add("runtime_fault", service=c.service(72), vector=14, rip=c.CODE + 0x1234, address=0x10,
               memory_type=7, image_base=c.CODE, image=b"RuntimeDxe")


first_mapped(18, "boot services' code", lambda m: [(c.BOOT_CODE if k == c.LOADER_CODE else k, b, e, a)
                                                   for k, b, e, a in m])
first_mapped(18, "in no descriptor", lambda m: [one for one in m if one[0] != c.LOADER_CODE])
changed(19, "5 descriptors more", "map_exit", probe_size=48 * 6)


@fails(20, "in pieces")
def _(record):
    pieces = [(c.FREE, c.HIGH + 4096 * i, c.HIGH + 4096 * (i + 1), c.WB) for i in range(20)]
    rest = [(c.FREE, c.HIGH + 0x14000, c.END, c.WB), c.MAP[-1]]
    c.set_map(record.first("map_exit"), c.MAP[:-2] + pieces + rest)


@fails(20, "runtime code in two")
def _(record):
    halves = [(c.RUNTIME_CODE, c.CODE, c.CODE + 0x8000, c.WB | c.RUNTIME),
              (c.RUNTIME_CODE, c.CODE + 0x8000, c.DATA, c.WB | c.RUNTIME)]
    c.set_map(record.first("map_exit"), c.MAP[:7] + halves + c.MAP[8:])


SPECIAL = (("specific-purpose", c.FREE, c.WB | 0x40000), ("unaccepted", c.UNACCEPTED, 8),
           ("persistent", c.PERSISTENT, c.WB), ("hot-pluggable", c.FREE, c.WB | 0x100000),
           ("not volatile", c.FREE, c.WB | 0x8000))
for _name, _type, _attributes in SPECIAL:
    mapped(21, _name, lambda m, t=_type, a=_attributes: m[:-1] + [(t, c.END, c.END + 0x100000, a)] + m[-1:])


# ---- exit ----

@fails(22, "a second attempt")
def _(record):
    c.add_map(record, "map_exit", c.MAP[:-1])
    record.add("exit_attempt", attempt=2, key=8)


changed(23, "the last one refused", "exit_attempt", status=c.INVALID_PARAMETER)
changed(24, "EFI_NOT_FOUND", "exit_attempt", status=c.NOT_FOUND)
changed(25, "EFI_UNSUPPORTED", "exit_attempt", map_status=c.UNSUPPORTED)


@fails(26, "ConOut is left")
def _(record):
    record.first("system_table_after").tail = c.system_table(_64=0x1234)


@fails(26, "the CRC is left")
def _(record):
    entry = record.first("system_table_after")
    entry.tail = words(entry.tail, (16, "<I", 1))


@fails(26, "a length that makes no sense")
def _(record):
    entry = record.first("system_table_after")
    entry.tail = words(entry.tail, (12, "<I", 4096))


@fails(27, "the timer ticks")
def _(record):
    record.first("interrupts").tail = struct.pack("<II", 0x20, 9)


changed(28, "in service", "after_exit", in_service=[0, 1])
changed(28, "requested", "after_exit", requested=[0, 0, 0, 1 << 31])
changed(28, "the timer is not masked", "after_exit", lvt_timer=0x20020)
changed(28, "the error entry is not masked", "after_exit", lvt_error=0xfe)
changed(29, "IRQ 0", "after_exit", pic_mask=b"\xfe\xff")


@fails(30, "a disk")
def _(record):
    record.first("pci_commands").tail += struct.pack("<HBBHH", 0, 1, 0, 7, 0x108)


changed(31, "a byte", "canary", changed=1, first=0x1000800)
changed(32, "it resets", "observation", what=1)
changed(33, "2 s", "exit_attempt", before=1_000, after=2_000_001_000)

# ---- processor ----

changed(34, "caches off", "entry_state", cr0=0xc0010033)
changed(34, "no PAE", "entry_state", cr4=0x1640)
changed(34, "not in long mode", "entry_state", efer=0x800)
changed(35, "interrupts off", "entry_state", rflags=2)
changed(35, "direction flag", "entry_state", rflags=0x602)
changed(36, "64 KiB", "entry_state", rsp=c.STACK + 0x10008)
changed(36, "not aligned", "entry_state", rsp=c.BOOT - 4096)
changed(36, "not in the map", "entry_state", rsp=0x200000000008)


@fails(36, "a guard page")
def _(record):
    runs = [c.run(*one) for one in c.RUNS[:2]]
    runs += [c.run(c.IMAGE + 0x20000, c.BOOT - 0x8000, c.WRITE), c.run(c.BOOT - 0x7000, c.BOOT, c.WRITE)]
    record.first("page_tables").tail = b"".join(runs + [c.run(*one) for one in c.RUNS[3:]])


changed(37, "SSE off", "entry_state", cr4=0x1068)
changed(37, "x87", "entry_state", fcw=0x27f)
changed(37, "MXCSR", "entry_state", mxcsr=0x1fa0)
changed(37, "EM", "entry_state", cr0=0x80010037)


@fails(38, "boot services' code is not mapped")
def _(record):
    record.first("page_tables").tail = b"".join(c.run(*one) for one in c.RUNS if one[0] != c.BOOT)


@fails(38, "mapped elsewhere")
def _(record):
    record.first("page_tables").tail = b"".join(
        c.run(*one, physical=one[0] + 4096 if one[0] == c.BOOT else None) for one in c.RUNS)


changed(39, "image", "entry_state", rip=1 << 33)
changed(39, "tables", "entry_state", cr3=1 << 33)
FAILURES.append((40, "microcode", set_msr(0x8b, 0x1100000000, "processor_msrs")))
FAILURES.append((40, "MTRRs cleared", set_msr(0x2ff, 0, "processor_msrs")))
changed(41, "silent", "processor", 1, result=2)
changed(41, "late", "processor", 1, result=3)
changed(41, "unasked", "processor", 1, result=4)

# ---- protection ----


def rights(check, name, base, value):
    def edit(record):
        record.first("page_tables").tail = b"".join(
            c.run(first, end, value if first == base else old) for first, end, old in c.RUNS)
    FAILURES.append((check, name, edit))


rights(42, "boot services' code", c.BOOT, c.WRITE | c.EXECUTE)
rights(43, "text is writable", c.IMAGE + 4096, c.WRITE)
rights(43, "data is executable", c.IMAGE + 0x20000, c.EXECUTE)
changed(44, "not there", "memory_protection", locate_status=c.NOT_FOUND)
rights(45, "it says read-only", c.IMAGE + 4096, c.WRITE | c.EXECUTE)
rights(45, "it says not executable", c.IMAGE + 0x20000, c.WRITE | c.EXECUTE)


@fails(46, "page 0")
def _(record):
    entry = record.first("page_tables")
    entry.tail = c.run(0, 4096, c.WRITE) + entry.tail


@fails(46, "free memory")
def _(record):
    runs = c.RUNS[:-1] + [(c.HIGH, c.END, c.WRITE)] + c.RUNS[-1:]
    record.first("page_tables").tail = b"".join(c.run(*one) for one in runs)


changed(47, "not NX_COMPAT", "image", 1, dll_characteristics=0x60)
changed(47, "sections of 32 bytes", "image", 1, section_alignment=32)


# ---- tables ----

@fails(48, "at NULL")
def _(record):
    entry = record.first("configuration")
    entry.tail = words(entry.tail, (24 * 4 + 16, "<Q", 0))


@fails(48, "twice")
def _(record):
    record.first("configuration").tail += c.ACPI2 + struct.pack("<Q", c.TABLES)


@fails(49, "signature")
def _(record):
    record.first("acpi_root").tail = b"RSD_PTR " + c.rsdp()[8:]


@fails(49, "checksum")
def _(record):
    record.first("acpi_root").tail = words(c.rsdp(), (8, "<B", 1))


@fails(49, "extended checksum")
def _(record):
    record.first("acpi_root").tail = words(c.rsdp(), (32, "<B", 1))


@fails(50, "revision 0")
def _(record):
    record.first("acpi_root").tail = c.rsdp(revision=0)


@fails(50, "no XSDT")
def _(record):
    record.first("acpi_root").tail = c.rsdp(xsdt=0)


@fails(50, "no RSDT")
def _(record):
    record.all("acpi_root")[1].tail = c.rsdp(rsdt=0)


@fails(51, "not there")
def _(record):
    record.entries = [entry for entry in record.entries
                      if entry.name != "acpi_table" or entry.tail[:4] != b"XSDT"]


@fails(51, "checksum")
def _(record):
    c.acpi_set(record, b"XSDT", words(c.table(b"XSDT", bytes(8)), (9, "<B", 1)))


@fails(51, "an odd length")
def _(record):
    c.acpi_set(record, b"XSDT", c.table(b"XSDT", bytes(12)))


@fails(51, "NULL")
def _(record):
    c.acpi_set(record, b"XSDT", c.table(b"XSDT", bytes(16)))


@fails(52, "checksum")
def _(record):
    c.acpi_set(record, b"HPET", words(c.table(b"HPET", bytes(20)), (9, "<B", 1)))


@fails(52, "too short")
def _(record):
    c.acpi_set(record, b"HPET", words(c.table(b"HPET", b""), (4, "<I", 30)))


@fails(52, "a large one, of which the beginning was recorded")
def _(record):
    entry = record.all("acpi_table")[6]
    entry.fields.update(length=100, sum=3)
    entry.tail = entry.tail[:50]


changed(53, "in free memory", "acpi_table", 3, address=c.HIGH)
changed(53, "FACS in reclaimable memory", "acpi_table", 7, address=c.TABLES)
changed(53, "FACS not aligned", "acpi_table", 7, address=c.SLEEP + 32)
changed(53, "nowhere", "acpi_table", 3, address=1 << 36)


@fails(54, "two DSDTs")
def _(record):
    c.acpi_set(record, b"FACP", c.sealed(words(c.fadt(), (140, "<Q", c.TABLES)), 9))


@fails(54, "two timers")
def _(record):
    c.acpi_set(record, b"FACP", c.sealed(words(c.fadt(), (76, "<I", 0x408)), 9))


@fails(55, "identifier")
def _(record):
    c.acpi_set(record, b"APIC", c.madt(c.local_apic(0, 0), c.x2apic(1, 0)))


@fails(55, "UID")
def _(record):
    c.acpi_set(record, b"APIC", c.madt(c.local_apic(0, 0), c.local_apic(0, 1)))


@fails(56, "256 in xAPIC mode")
def _(record):
    c.acpi_set(record, b"APIC", c.madt(c.local_apic(0, 0), c.x2apic(1, 256)))


@fails(57, "local APIC")
def _(record):
    c.acpi_set(record, b"APIC", c.madt(c.local_apic(0, 0), address=0xfec10000))


@fails(57, "by the override")
def _(record):
    c.acpi_set(record, b"APIC", c.madt(c.local_apic(0, 0), struct.pack("<BBHQ", 5, 12, 0, 1 << 32)))


@fails(57, "ECAM")
def _(record):
    c.acpi_set(record, b"MCFG", c.mcfg(0xe0000000))


@fails(58, "64-bit anchor")
def _(record):
    record.first("smbios_anchor").tail = words(c.smbios3(), (5, "<B", 0x5a))


@fails(58, "its length")
def _(record):
    record.first("smbios_anchor").tail = words(c.smbios3(), (6, "<B", 12))


@fails(58, "32-bit anchor")
def _(record):
    record.all("smbios_anchor")[1].tail = words(c.smbios2(), (4, "<B", 0x5a))


@fails(58, "its length as well")
def _(record):
    record.all("smbios_anchor")[1].tail = words(c.smbios2(), (5, "<B", 8))


@fails(58, "intermediate anchor")
def _(record):
    record.all("smbios_anchor")[1].tail = words(c.smbios2(), (16, "<B", 0))


@fails(58, "count")
def _(record):
    record.all("smbios_anchor")[1].tail = c.smbios2(count=9)


@fails(58, "no anchor at all")
def _(record):
    record.first("smbios_anchor").tail = bytes(24)


@fails(58, "a structure of 2 bytes")
def _(record):
    record.first("smbios_structures").tail = words(c.smbios_structures(), (1, "<B", 2))


@fails(58, "no end")
def _(record):
    record.first("smbios_structures").tail = c.smbios_structures()[:-6]


@fails(58, "strings without an end")
def _(record):
    record.first("smbios_structures").tail = struct.pack("<BBH", 1, 4, 0) + b"endless"


for _name, _data in (("version 2", words(c.resources(), (8, "<Q", 2))), ("too many", c.resources(count=9)),
                     ("older than supported", c.resources(version=2)), ("type 4", c.resources(kind=4)),
                     ("no class", words(c.resources(), (16, "<Q", 0), (24, "<Q", 0)))):
    @fails(59, _name)
    def _(record, data=_data):
        record.first("vendor_table").tail = data


@fails(60, "not supported, and answers")
def _(record):
    record.all("vendor_table")[1].tail = struct.pack("<HHI", 1, 8, 0x3ffe)


@fails(60, "version 2")
def _(record):
    record.all("vendor_table")[1].tail = struct.pack("<HHI", 2, 8, 0x3fff)


changed(60, "supported, and does not", "runtime_call", 2, status=c.UNSUPPORTED)


# ---- attributes, runtime ----

def attribute_items(check, name, *items):
    def edit(record):
        record.all("vendor_table")[2].tail = c.attributes(*items)
    FAILURES.append((check, name, edit))


attribute_items(61, "code is not covered", c.ATTRIBUTE_ITEMS[0], c.ATTRIBUTE_ITEMS[2])
attribute_items(61, "data is not covered", *c.ATTRIBUTE_ITEMS[:2])
attribute_items(62, "neither", (c.RUNTIME_CODE, c.CODE, c.DATA, 0), c.ATTRIBUTE_ITEMS[2])
attribute_items(62, "across two", (c.RUNTIME_CODE, c.CODE, c.HIGH, c.RO))
attribute_items(62, "unsorted", *c.ATTRIBUTE_ITEMS[::-1])
attribute_items(62, "empty", (c.RUNTIME_CODE, c.CODE, c.CODE, c.RO), *c.ATTRIBUTE_ITEMS)


@fails(63, "a fault")
def _(record):
    record.add("runtime_fault", service=c.service(104), vector=14, rip=c.CODE + 0x1234, address=0x80b000,
               error_code=2, given_up=1, memory_type=7, image_base=c.CODE, image=b"RuntimeDxe")


changed(63, "given up, nobody knows where", "runtime_call", flags=1)


@fails(64, "a fault")
def _(record):
    record.add("virtual_fault", service=c.service(72), vector=14, rip=0x1234, address=0x10, given_up=1,
               memory_type=0xffffffff)


changed(64, "refused", "virtual_call", status=c.INVALID_PARAMETER)
changed(64, "works twice", "virtual_call", 1, status=0)

TIMES = (("month 13", dict(month=13)), ("30 February", dict(month=2)), ("hour 24", dict(hour=24)),
         ("zone", dict(zone=1441)), ("1 s", dict(nanosecond=10**9)), ("year 1899", dict(year=1899)),
         ("back", dict(second=4)), ("an hour away", dict(hour=20)))
for _name, _time in TIMES:
    @fails(65, _name)
    def _(record, time=_time):
        calls = record.all("runtime_call")
        (calls[1] if time == dict(second=4) else calls[0]).tail = c.efi_time(**{"second": 5, **time})


changed(65, "a clock of 12 hours", "cmos_time",
        registers=bytes([5, 0, 0, 0, 0x81, 0, 0, 0x30, 0x11, 0x26, 0x26, 0, 0, 0x80]))
changed(66, "it does not end", "variable_list", status=0, count=10000)
changed(66, "twice", "variable_list", repeated=1)
changed(66, "more left than there is", "variable_list", remaining_storage=1 << 30)
changed(66, "a large one", "runtime_variable", 1, data_size=0x9000)
changed(67, "without the attribute", "runtime_variable", attributes=3)


@fails(67, "one that boot services hid")
def _(record):
    c.add_variable(record, "runtime_variable", c.GLOBAL, "Hidden", b"secret", 7)


changed(68, "RBX", "runtime_call", changed=1 << 3)
changed(68, "direction flag", "runtime_call", flags=2)
changed(68, "interrupt flag", "runtime_call", flags=4)
changed(68, "8 KiB of stack", "runtime_call", stack_used=8192)


# ---- trust ----

def variables(check, name, **values):
    """Other values of Secure Boot's variables; None: it is not there."""
    def edit(record):
        names = ["SetupMode", "SecureBoot", "AuditMode", "DeployedMode", "PK", "dbx"]
        for name_, value in values.items():
            entry = record.all("variable")[names.index(name_)]
            if value is None:
                entry.fields["status"] = c.NOT_FOUND
            else:
                entry.tail = entry.tail[:-1] + bytes([value])
    FAILURES.append((check, name, edit))


variables(69, "no PK", PK=None)
variables(69, "setup mode with a PK", SetupMode=1)
variables(69, "audit mode with a PK", AuditMode=1)
variables(69, "no dbx", dbx=None)
variables(69, "all at once", SetupMode=1, PK=None)


def logged(check, name, events, values=None, head=None):
    def edit(record):
        data = b"".join(c.event(*one) for one in events)
        record.first("tpm_log").tail = (c.spec_id() if head is None else head) + data
        record.first("pcrs").tail = c.pcrs(values or events)
    FAILURES.append((check, name, edit))


logged(70, "an event that was not extended", c.EVENTS + [(0, 8, hashlib.sha256(b"x").digest(), b"x")],
       c.EVENTS)
logged(70, "no separator in PCR 7", [one for one in c.EVENTS if one[:2] != (7, 4)])
logged(70, "the loader is not in PCR 4", c.EVENTS[:-1])
logged(70, "no Spec ID event", c.EVENTS, head=b"")
logged(70, "more algorithms than bytes", c.EVENTS, head=words(c.spec_id(), (56, "<I", 9)))
changed(70, "truncated", "tpm_log", truncated=1)


@fails(70, "an event that is cut off")
def _(record):
    record.first("tpm_log").tail = record.first("tpm_log").tail[:-1]


@fails(70, "an event with an unknown algorithm")
def _(record):
    record.first("tpm_log").tail += struct.pack("<IIIH", 0, 8, 1, 99)


@fails(70, "an event's head that is cut off")
def _(record):
    record.first("tpm_log").tail += bytes(4)


# ---- loader ----

changed(71, "BLT only", "screen", pixel_format=3)
changed(71, "none", "screen", flags=1)
changed(71, "stride", "screen", stride=1024)
changed(71, "too small", "screen", framebuffer_size=1280 * 700 * 4)
changed(71, "beyond its BAR", "screen", framebuffer_base=c.SCREEN + 0xf00000)


@fails(72, "rubbish")
def _(record):
    record.first("load_options").tail = b"\x12\x34\x56"


changed(73, "short", "file_read", got=4096)
changed(73, "refused", "file_read", status=c.ERROR | 7)
changed(74, "not there", "random", locate_status=c.NOT_FOUND)
changed(74, "it fails", "random", status=c.ERROR | 7)
