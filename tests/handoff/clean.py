"""A record on which every check passes (in the profile emp), of a machine that is made up: a q35 with two
processors, a TPM and Secure Boot. failures.py breaks it, one check at a time."""
import hashlib
import struct
import zlib

from record import Record, guid, padded

PAGE = 4096
WB, RUNTIME = 0xf, 1 << 63
ERROR = 1 << 63
INVALID_PARAMETER, UNSUPPORTED, NOT_FOUND = ERROR | 2, ERROR | 3, ERROR | 14

(RESERVED, LOADER_CODE, LOADER_DATA, BOOT_CODE, BOOT_DATA, RUNTIME_CODE, RUNTIME_DATA, FREE, UNUSABLE, ACPI,
 NVS, MMIO, PORTS, PAL, PERSISTENT, UNACCEPTED) = range(16)

IMAGE, STACK, BOOT, TABLES, SLEEP, CODE, DATA, HIGH, END = (
    0x4000000, 0x4040000, 0x4140000, 0x4240000, 0x4250000, 0x4260000, 0x4270000, 0x4290000, 0x8000000)
ECAM, SCREEN, APIC = 0xb0000000, 0xc0000000, 0xfee00000

# (type, base, end, attributes)
MAP = [(FREE, 0, 0xa0000, WB), (FREE, 0x100000, IMAGE, WB), (LOADER_CODE, IMAGE, STACK, WB),
       (BOOT_DATA, STACK, BOOT, WB), (BOOT_CODE, BOOT, TABLES, WB), (ACPI, TABLES, SLEEP, WB),
       (NVS, SLEEP, CODE, WB), (RUNTIME_CODE, CODE, DATA, WB | RUNTIME),
       (RUNTIME_DATA, DATA, HIGH, WB | RUNTIME), (FREE, HIGH, END, WB),
       (RESERVED, ECAM, ECAM + 0x10000000, 1)]

ACPI2 = guid("8868e871-e4f1-11d3-bc22-0080c73c8881")
ACPI1 = guid("eb9d2d30-2d88-11d3-9a16-0090273fc14d")
SMBIOS3 = guid("f2fd1544-9794-4a2c-992e-e5bbcf20e394")
SMBIOS = guid("eb9d2d31-2d88-11d3-9a16-0090273fc14d")
ESRT = guid("b122a263-3661-4f68-9929-78f8b0d62180")
PROPERTIES = guid("eb66918a-7eef-402a-842e-931d21c38ae9")
ATTRIBUTES = guid("dcfa911d-26eb-469f-a220-38b7dc461220")
GLOBAL = guid("8be4df61-93ca-11d2-aa0d-00e098032b8c")
SECURITY = guid("d719b2cb-3d3a-4596-a3bc-dad00e67656f")


def descriptor(kind, base, end, attributes, step=48):
    return struct.pack("<IIQQQQ", kind, 0, base, 0, (end - base) // PAGE, attributes).ljust(step, b"\0")


def map_tail(ranges, step=48):
    return b"".join(descriptor(*one, step=step) for one in ranges)


def set_map(entry, ranges, step=48, **fields):
    """Gives a map entry these ranges."""
    entry.tail = map_tail(ranges, step)
    entry.fields.update(map_size=len(entry.tail), descriptor_size=step, descriptor_version=1, **fields)


def add_map(record, name, ranges=None, **fields):
    entry = record.add(name, **fields)
    set_map(entry, ranges or MAP, probe_size=fields.get("probe_size", 48 * (len(MAP) + 4)), key=7)


def run(base, end, rights, physical=None):
    return struct.pack("<QQQHBBI", base, base if physical is None else physical, (end - base) // PAGE, rights,
                       1, 6, 0)


WRITE, EXECUTE = 1, 2
RUNS = [(IMAGE, IMAGE + PAGE, 0), (IMAGE + PAGE, IMAGE + 0x20000, EXECUTE), (IMAGE + 0x20000, BOOT, WRITE),
        (BOOT, TABLES, EXECUTE), (TABLES, CODE, WRITE), (CODE, DATA, EXECUTE), (DATA, HIGH, WRITE),
        (APIC, APIC + PAGE, WRITE)]


def msrs(*pairs):
    return b"".join(struct.pack("<IIQ", index, 0, value) for index, value in pairs)


# MTRRs: write-back by default, uncached from 2 to 4 GiB (40 bits of addresses).
MSRS = [(0xfe, 0x508), (0x2ff, 0xc06), (0x200, 0x80000000), (0x201, 0xff80000800), (0x277, 0x7040600070406),
        (0x8b, 0x1200000000)]


def sealed(data, at):
    """With a checksum at an offset, so that all bytes add up to 0."""
    data = bytearray(data)
    data[at] = 0
    data[at] = -sum(data) & 0xff
    return bytes(data)


def table(signature, body, revision=1):
    head = struct.pack("<4sIBB6s8sI4sI", signature, 36 + len(body), revision, 0, b"BATON ", b"EDITED  ", 1,
                       b"TEST", 1)
    return sealed(head + body, 9)


def rsdp(revision=2, xsdt=TABLES + 0x100, rsdt=TABLES + 0x200):
    data = sealed(struct.pack("<8sB6sBI", b"RSD PTR ", 0, b"BATON ", revision, rsdt), 8)
    return sealed(data + struct.pack("<IQ4s", 36, xsdt, b""), 32)


def fadt():
    body = bytearray(276 - 36)
    struct.pack_into("<II", body, 0, SLEEP, TABLES + 0x1000)
    for narrow, wide, port in ((56, 148, 0x600), (64, 172, 0x604), (76, 208, 0x608), (80, 220, 0x620)):
        struct.pack_into("<I", body, narrow - 36, port)
        struct.pack_into("<BBBBQ", body, wide - 36, 1, 32, 0, 3, port)
    struct.pack_into("<QQ", body, 132 - 36, SLEEP, TABLES + 0x1000)
    return table(b"FACP", bytes(body), 6)


def local_apic(uid, identifier, flags=1):
    return struct.pack("<BBBBI", 0, 8, uid, identifier, flags)


def x2apic(uid, identifier, flags=1):
    return struct.pack("<BBHIII", 9, 16, 0, identifier, flags, uid)


def madt(*processors, address=APIC):
    io_apic = struct.pack("<BBBBII", 1, 12, 2, 0, 0xfec00000, 0)
    return table(b"APIC", struct.pack("<II", address, 1) + b"".join(processors) + io_apic, 5)


def mcfg(base=ECAM):
    return table(b"MCFG", bytes(8) + struct.pack("<QHBBI", base, 0, 0, 255, 0))


def acpi_tables():
    """(named by, address, bytes)"""
    facs = struct.pack("<4sI", b"FACS", 64).ljust(64, b"\0")
    hpet = table(b"HPET", struct.pack("<IBBBBQBHB", 0x8086a201, 0, 64, 0, 0, 0xfed00000, 0, 100, 0))
    rest = [(4, TABLES + 0x400, fadt()), (4, TABLES + 0x600, madt(local_apic(0, 0), local_apic(1, 1))),
            (4, TABLES + 0x800, hpet), (4, TABLES + 0x900, mcfg())]
    addresses = [address for _, address, _ in rest]
    roots = [(3, TABLES + 0x100, table(b"XSDT", struct.pack("<4Q", *addresses))),
             (3, TABLES + 0x200, table(b"RSDT", struct.pack("<4I", *addresses)))]
    return roots + rest + [(6, TABLES + 0x1000, table(b"DSDT", bytes(64), 2)), (6, SLEEP, facs)]


def add_acpi(record):
    for named_by in (2, 1):
        record.add("acpi_root", rsdp(), address=TABLES, length=36, named_by=named_by)
    for named_by, address, data in acpi_tables():
        record.add("acpi_table", data, address=address, length=len(data), named_by=named_by)


def acpi_set(record, signature, data):
    """Puts other bytes in a table's place."""
    for entry in record.all("acpi_table"):
        if entry.tail[:4] == signature:
            entry.tail = data
            entry.fields["length"] = struct.unpack_from("<I", data, 4)[0]
            entry.fields["sum"] = sum(data) & 0xff


def smbios_structures():
    bios = struct.pack("<BBHBBHBB8s", 0, 18, 0, 1, 2, 0xe800, 3, 0, b"")
    bios += b"Baton\0edited\00001/01/2026\0\0"
    system = struct.pack("<BBHBBBB", 1, 8, 1, 1, 2, 0, 0) + b"Nobody\0Made-up machine\0\0"
    return bios + system + struct.pack("<BBH", 127, 4, 2) + b"\0\0"


def smbios3(address=DATA + 0x1000):
    return sealed(struct.pack("<5sBBBBBBBIQ", b"_SM3_", 0, 24, 3, 7, 0, 1, 0, 4096, address), 5)


def smbios2(count=3, address=DATA + 0x1000):
    lower = sealed(struct.pack("<5sBHIHB", b"_DMI_", 0, len(smbios_structures()), address, count, 0x37), 5)
    return sealed(struct.pack("<4sBBBBHB5s", b"_SM_", 0, 31, 3, 7, 64, 0, b"") + lower, 4)


def section(name, offset, size, flags):
    return struct.pack("<8sIIII12sI", name, size, offset, size, offset, b"", flags)


def add_image(record, name, base, size, flags, **fields):
    sections = [section(b".text", PAGE, 0x1f000, 0x60000020), section(b".data", 0x20000, 0x8000, 0xc0000040)]
    name = name.encode()
    settings = dict(handle=base, entry_point=base + PAGE, code_type=LOADER_CODE, data_type=LOADER_DATA,
                    section_alignment=PAGE, subsystem=10, dll_characteristics=0x160)
    settings.update(fields)
    return record.add("image", padded(name) + b"".join(sections), base=base, size=size, flags=flags,
                      section_count=2, name_size=len(name), **settings)


def utf16(text):
    return (text + "\0").encode("utf-16-le")


def add_variable(record, kind, vendor, name, data, attributes=6, keep=True):
    return record.add(kind, padded(utf16(name)) + (data if keep else b""), guid=vendor, attributes=attributes,
                      data_size=len(data), name_size=len(utf16(name)), data_kept=len(data) if keep else 0,
                      sha256=hashlib.sha256(data).digest())


LOADER_DIGEST = hashlib.sha256(b"the loader").digest()


def spec_id(algorithms=((4, 20), (11, 32))):
    data = b"Spec ID Event03\0" + struct.pack("<IBBBBI", 0, 0, 2, 0, 2, len(algorithms))
    data += b"".join(struct.pack("<HH", *one) for one in algorithms) + b"\0"
    return struct.pack("<II20sI", 0, 3, b"", len(data)) + data


def event(pcr, kind, digest, data):
    return (struct.pack("<III", pcr, kind, 2) + struct.pack("<H", 4) + digest[:20] +
            struct.pack("<H", 11) + digest + struct.pack("<I", len(data)) + data)


EVENTS = ([(0, 8, hashlib.sha256(b"firmware").digest(), b"firmware")] +
          [(pcr, 4, hashlib.sha256(bytes(4)).digest(), bytes(4)) for pcr in range(8)] +
          [(4, 0x80000003, LOADER_DIGEST, b"loader")])


def pcrs(events):
    values = [bytes(32)] * 24
    for pcr, _, digest, _ in events:
        values[pcr] = hashlib.sha256(values[pcr] + digest).digest()
    return b"".join(values)


def log(events):
    return spec_id() + b"".join(event(*one) for one in events)


def system_table(**pointers):
    """After the exit. `pointers`: offset=value."""
    data = bytearray(struct.pack("<QIIIIQII8Q", 0x5453595320494249, 0x20064, 120, 0, 0, DATA, 1, 0,
                                 0, 0, 0, 0, 0, 0, DATA + 0x100, 0) + struct.pack("<QQ", 7, DATA + 0x200))
    for offset, value in pointers.items():
        struct.pack_into("<Q", data, int(offset[1:]), value)
    struct.pack_into("<I", data, 16, zlib.crc32(bytes(data)))
    return bytes(data)


def efi_time(year=2026, month=11, day=30, hour=21, minute=0, second=5, nanosecond=0, zone=2047):
    return struct.pack("<HBBBBBBIhBB", year, month, day, hour, minute, second, 0, nanosecond, zone, 0, 0)


def service(offset):
    return 2 << 16 | offset


def attributes(*items):
    head = struct.pack("<IIII", 2, len(items), 48, 0)
    return head + b"".join(struct.pack("<IIQQQQ", kind, 0, base, 0, (end - base) // PAGE, rights | RUNTIME)
                           .ljust(48, b"\0") for kind, base, end, rights in items)


RO, XP = 0x20000, 0x4000
ATTRIBUTE_ITEMS = [(RUNTIME_CODE, CODE, CODE + 0x8000, RO), (RUNTIME_CODE, CODE + 0x8000, DATA, XP),
                   (RUNTIME_DATA, DATA, HIGH, XP)]


def resources(count=1, version=5, lowest=3, kind=1):
    one = struct.pack("<IIIIII", kind, version, lowest, 0, 0, 0)
    return struct.pack("<IIQ", count, 4, 1) + guid("11111111-2222-3333-4444-555555555555") + one


def processor_state(record):
    record.add("entry_state", rflags=0x202, cr0=0x80010033, cr3=STACK + PAGE, cr4=0x1668, efer=0xd00,
               pat=0x7040600070406, apic_base=APIC | 0x900, rsp=BOOT - PAGE + 8, rip=IMAGE + PAGE,
               gdt_base=STACK + 0x2000, gdt_limit=0x47, idt_base=STACK + 0x3000, idt_limit=0xfff, cs=0x38,
               ds=0x30, es=0x30, fs=0x30, gs=0x30, ss=0x30, fcw=0x37f, mxcsr=0x1f80, valid=0x1d,
               image_handle=0x4130000, system_table=DATA + 0x300)
    record.add("cpuid", struct.pack("<6I", 0x80000008, 0, 40, 0, 0, 0))
    record.add("msrs", msrs(*MSRS), apic_id=0, count=len(MSRS))


def inventory(record):
    record.add("firmware", utf16("Made by hand"), firmware_revision=1, uefi_revision=0x20064)
    tables = [(ACPI2, TABLES), (ACPI1, TABLES), (SMBIOS3, DATA + 0x800), (SMBIOS, DATA + 0x840),
              (ESRT, DATA + 0x3000), (PROPERTIES, DATA + 0x3100), (ATTRIBUTES, BOOT - 0x4000)]
    record.add("configuration", b"".join(vendor + struct.pack("<Q", address) for vendor, address in tables))
    for vendor, data in ((ESRT, resources()), (PROPERTIES, struct.pack("<HHI", 1, 8, 0x3fff)),
                         (ATTRIBUTES, attributes(*ATTRIBUTE_ITEMS))):
        record.add("vendor_table", data, guid=vendor, address=dict(tables)[vendor], length=len(data))
    add_image(record, "BOOTX64.EFI", IMAGE, 0x28000, 1 | 2 | 4)
    add_image(record, "RuntimeDxe", CODE, 0x10000, 2 | 4 | 8, subsystem=12)
    record.add("handle", guid("5b1b31a1-9562-11d2-8e3f-00a0c969723b"), handle=0x4130000, protocol_count=1)
    record.add("screen", framebuffer_base=SCREEN, framebuffer_size=1280 * 800 * 4, bar_base=SCREEN,
               bar_size=0x1000000, flags=6, mode_count=1, width=1280, height=800, stride=1280,
               pixel_format=1)
    record.add("block_device", handle=0x4130100, last_block=0x1ffff, block_size=512, flags=2)
    add_acpi(record)
    record.add("smbios_anchor", smbios3(), address=DATA + 0x800, length=24)
    record.add("smbios_anchor", smbios2(), address=DATA + 0x840, length=31)
    record.add("smbios_structures", smbios_structures(), address=DATA + 0x1000,
               length=len(smbios_structures()))
    bridge = bytearray(struct.pack("<HHHH", 0x8086, 0x29c0, 3, 0).ljust(256, b"\0"))
    struct.pack_into("<Q", bridge, 0x60, ECAM | 1)
    record.add("pci_function", bytes(bridge), bus=0, device=0, function=0)
    record.add("memory_protection", struct.pack("<QQQQ", IMAGE + PAGE, 0x1f000, 0, RO) +
               struct.pack("<QQQQ", IMAGE + 0x20000, 0x8000, 0, XP))
    record.add("random")
    record.add("load_options")


def trust(record):
    for name, value in (("SetupMode", 0), ("SecureBoot", 1), ("AuditMode", 0), ("DeployedMode", 1)):
        add_variable(record, "variable", GLOBAL, name, bytes([value]))
    add_variable(record, "variable", GLOBAL, "PK", b"a certificate" * 50, 0x27, keep=False)
    add_variable(record, "variable", SECURITY, "dbx", b"digests" * 50, 0x27, keep=False)
    add_variable(record, "variable", GLOBAL, "BootOrder", b"\0\0", 7)
    add_variable(record, "variable", GLOBAL, "Hidden", b"secret", 3)
    record.add("tpm", bytes(36))
    record.add("tpm_log", log(EVENTS), format=2)
    record.add("pcrs", pcrs(EVENTS), algorithm=11, digest_size=32, count=24)
    record.add("loader_digest", LOADER_DIGEST, algorithm=11, size=32)


def leaving(record):
    record.add("call", service=1 << 16 | 0x100, before=record.tsc, after=record.tsc + 900)
    record.add("call", service=1 << 16 | 0x28, arguments=[0, 2, 256], before=record.tsc,
               after=record.tsc + 5000)
    record.add("file_read", b"\\baton\\kernel.elf", asked=1 << 20, got=800000, left=800000)
    add_map(record, "map_exit")
    record.add("exit_attempt", attempt=1, key=7, before=record.tsc, after=record.tsc + 3_000_000)
    record.add("system_table_after", system_table(), address=DATA + 0x300, length=120)
    record.add("after_exit", rflags=0x202, apic_base=APIC | 0x900, valid=3, apic_version=0x50014,
               spurious=0x10f,
               lvt_timer=0x10000, lvt_thermal=0x10000, lvt_performance=0x10000, lvt_lint0=0x700,
               lvt_lint1=0x400, lvt_error=0x10000, pic_mask=b"\xff\xff")
    record.add("io_apic", struct.pack("<2Q", 0x10000, 0x10000), address=0xfec00000, id=2, version=0x170020)
    record.add("hpet", address=0xfed00000, capabilities=0x989680008086a201)
    commands = [(0, 0, 0, 3, 0x600), (0, 0, 0x10, 3, 0x100)]
    record.add("pci_commands", b"".join(struct.pack("<HBBHH", *one) for one in commands))


def kernel(record):
    record.add("processor", apic_id=0, result=0, apic_base=APIC | 0x900)
    record.add("processor", apic_id=1, result=1, wake_nanoseconds=200_000, apic_base=APIC | 0x800)
    record.add("processor_msrs", msrs(*MSRS), apic_id=1, count=len(MSRS))
    record.add("canary", base=0x1000000, size=0x100000, nanoseconds=5_000_000_000)
    record.add("interrupts", nanoseconds=10_000_000)
    record.add("cmos_time", registers=bytes([0x05, 0, 0, 0, 0x21, 0, 0, 0x30, 0x11, 0x26, 0x26, 2, 0, 0x80]),
               century=0x20)
    for second in (5, 6):
        record.add("runtime_call", efi_time(second=second), service=service(24), flags=8, stack_used=800)
    record.add("runtime_call", service=service(72), status=NOT_FOUND, flags=8, stack_used=1200)
    for name, attribute in (("SetupMode", 6), ("BootOrder", 7)):
        add_variable(record, "runtime_variable", GLOBAL, name, b"\0", attribute)
    record.add("variable_list", status=NOT_FOUND, count=2, limit=10000, maximum_storage=0x40000,
               remaining_storage=0x30000, maximum_size=0x8000)
    record.add("clock", tsc_hz=1_000_000_000, reference=1)
    record.add("still_running", nanoseconds=8_000_000_000)
    record.add("pci_ranges", struct.pack("<HBBB3xQQII", 0, 0, 0x10, 0, SCREEN, 0x1000000, 2 | 4, 0))
    add_map(record, "virtual_map")
    for status in (0, UNSUPPORTED):
        record.add("virtual_call", service=service(56), status=status)
    record.add("virtual_call", efi_time(second=7), service=service(24))
    record.add("observation", what=3, nanoseconds=20_000_000_000)


def clean():
    record = Record()
    processor_state(record)
    add_map(record, "map_first")
    record.add("page_tables", b"".join(run(*one) for one in RUNS), root=STACK + PAGE, levels=5)
    inventory(record)
    trust(record)
    leaving(record)
    kernel(record)
    record.note("made by tests/handoff/clean.py: no machine ever gave this")
    return record
