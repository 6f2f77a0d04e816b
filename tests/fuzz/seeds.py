"""Valid inputs for each fuzz target, from which libFuzzer starts, and the words it tries."""
import gzip
import lzma
import os
import struct
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "handoff"))
import clean as handoff_clean  # noqa: E402
import record as handoff  # noqa: E402

PAGE = 4096


def elf_header(kind, entry, headers, sections=0, section_offset=0):
    ident = b"\x7fELF\x02\x01\x01".ljust(16, b"\0")
    return ident + struct.pack("<HHIQQQIHHHHHH", kind, 62, 1, entry, 64, section_offset, 0, 64,
                               56, headers, 64, sections, 0)


def program_header(kind, flags, offset, address, file_size, memory_size, align=PAGE):
    return struct.pack("<IIQQQQQQ", kind, flags, offset, address, address, file_size, memory_size,
                       align)


LOAD, DYNAMIC, INTERP, TLS = 1, 2, 3, 7
STACK, RELRO = 0x6474e551, 0x6474e552


def elf():
    """A fixed program, a dynamic one with everything, and one of many segments."""
    fixed = [program_header(LOAD, 5, 0, 0x400000, 0x200, 0x200),
             program_header(LOAD, 6, 0x200, 0x401200, 0x40, 0x1000),
             program_header(STACK, 6, 0, 0, 0, 0)]
    yield (elf_header(2, 0x400100, 3) + b"".join(fixed)).ljust(0x400, b"\x90")
    dynamic = [program_header(LOAD, 4, 0, 0, 0x300, 0x300),
               program_header(LOAD, 5, 0x300, 0x1300, 0x40, 0x40),
               program_header(LOAD, 6, 0x340, 0x2340, 0x40, 0x80, 0x200000),
               program_header(INTERP, 4, 0x280, 0x280, 8, 8, 1),
               program_header(TLS, 4, 0x340, 0x2340, 8, 16, 8),
               program_header(RELRO, 4, 0x340, 0x2340, 0x40, 0x40, 1),
               program_header(STACK, 7, 0, 0, 0, 0)]
    file = bytearray((elf_header(3, 0x1310, 7) + b"".join(dynamic)).ljust(0x400, b"\0"))
    file[0x280:0x288] = b"/lib/ld\0"
    yield bytes(file)
    many = [program_header(LOAD, 4, 0, PAGE * i, 64, 64) for i in range(73)]
    yield elf_header(3, 0, 73) + b"".join(many)


def efi_variable():
    vendor = bytes.fromhex("61dfe48bca93d211aa0d00e098032b8c")
    for name in ("Boot0001", "a/\xe9\u20ac\U0001f600", "Lang"):
        yield vendor + name.encode("utf-16-le") + bytes(2)
    guid = b"8be4df61-93ca-11d2-aa0d-00e098032b8c\0"
    yield b"Boot0001-" + guid + b"\1\0\0\0\4\0A\0\0\0\x7f\xff\4\0"
    yield b"ConIn-" + guid + b"\1\1\6\0\0\0\x7f\xff\4\0"


def elf_kernel():
    """A small kernel with relocations and symbols, and the same stripped."""
    for sections in (0, 3):
        segments = [program_header(LOAD, 5, 0x200, 0, 0x40, 0x40),
                    program_header(LOAD, 4, 0x240, 0x1000, 0x80, 0x80),
                    program_header(LOAD, 6, 0x2c0, 0x2000, 0x20, 0x1800),
                    program_header(DYNAMIC, 4, 0x270, 0x1030, 64, 64)]
        relocations = struct.pack("<QQqQQq", 0x2000, 8, 0x10, 0x2010, 8, -8)
        dynamic = struct.pack("<8Q", 7, 0x1000, 8, 48, 9, 24, 0, 0)
        file = bytearray(elf_header(3, 0x10, 4, sections, 0x340) + b"".join(segments))
        file = file.ljust(0x240, b"\x90") + relocations + dynamic
        file = file.ljust(0x2e0, b"\0") + bytes(24) + struct.pack("<IBBHQQ", 1, 2, 0, 1, 0x10, 8)
        file = (file + b"\0entry\0").ljust(0x340, b"\0")
        if sections:
            file += bytes(64)
            file += struct.pack("<IIQQQQIIQQ", 0, 2, 0, 0, 0x2e0, 48, 2, 0, 8, 24)
            file += struct.pack("<IIQQQQIIQQ", 0, 3, 0, 0, 0x310, 7, 0, 0, 1, 0)
        yield bytes(file)


def cpio_entry(path, mode, data=b"", links=1, magic=b"070701", checksum=0):
    fields = (7, mode, 0, 0, links, 0x65000000, len(data), 8, 1, 5, 1, len(path) + 1, checksum)
    entry = magic + b"".join(b"%08x" % field for field in fields) + path + b"\0"
    entry += bytes(-len(entry) % 4) + data
    return entry + bytes(-len(entry) % 4)


def cpio():
    trailer = cpio_entry(b"TRAILER!!!", 0)
    tree = (cpio_entry(b".", 0o40755) + cpio_entry(b"etc/hostname", 0o100644, b"baton\n")
            + cpio_entry(b"bin/sh", 0o120777, b"busybox") + cpio_entry(b"dev/null", 0o20666))
    yield tree + trailer
    yield tree + trailer + bytes(132) + cpio_entry(b"command", 0o100600, b"ls\0-l\0") + trailer
    yield (cpio_entry(b"a", 0o100644, b"", 2) + cpio_entry(b"b", 0o100644, b"xy", 2) + trailer)
    yield cpio_entry(b"sum", 0o100644, b"ab", 1, b"070702", 0xc3) + trailer
    yield trailer


def compressed():
    """One small archive in each format, as its own tool writes it."""
    plain = next(cpio())
    yield 0, gzip.compress(plain)
    yield 1, lzma.compress(plain, check=lzma.CHECK_CRC32)
    for number, command in ((2, "zstd -q -c"), (3, "lz4 -q -c"), (4, "lz4 -l -q -c")):
        yield number, subprocess.run(command.split(), input=plain, stdout=subprocess.PIPE, check=True).stdout


def archive():
    yield from cpio()
    for _, data in compressed():
        yield next(cpio()) + bytes(5) + data


def net_boot():
    """An answer with options, a device path, a path."""
    header = bytearray(240)
    header[20:24], header[108:119], header[236:] = b"\x0a\0\x02\x02", b"BOOTX64.EFI", b"\x63\x82\x53\x63"
    yield bytes(header) + b"\x36\x04\x0a\0\x02\x02\0\x43\x06a/b.c\0\x34\x01\x01\xff"
    yield (struct.pack("<BBH23s", 3, 12, 27, b"\x0a\0\x02\x0f") + struct.pack("<BBH", 3, 24, 14)
           + b"http://a/b" + b"\x7f\xff\x04\0")
    yield b"http://host/EFI/BOOT/BOOTX64.EFI?a/b"


def unpacker():
    """A byte that says which format, then the archive."""
    for number, data in compressed():
        yield bytes([number]) + data


def boot_entry():
    yield (b"# Baton\ntitle Baton\nversion 1\nmachine-id 00112233\nsort-key b\narchitecture x64\n"
           b"linux /baton/kernel.elf\ninitrd /baton/initrd.cpio\ninitrd /more\n"
           b"options console=ttyS0\noptions quiet\n")
    yield b"title\tA b \r\nlinux /k\r\n\r\noptions x"
    yield b"title Shell\nefi shellx64.efi\noptions -nomap\n"


def fat():
    """Small volumes of each kind with a directory, a file with a long name and one of several clusters."""

    def table_of(bits, sectors):
        """Clusters 2 and 5 are folders, 3 and 4 a file."""
        table = 0
        for cluster, value in enumerate((0xffffff8, 0xfffffff, 0xfffffff, 4, 0xfffffff, 0xfffffff)):
            table |= (value & (1 << min(bits, 28)) - 1) << cluster * bits
        return table.to_bytes(512 * sectors, "little")

    def volume(bits, sectors, table_sectors):
        wide = bits == 32
        root_entries = 0 if wide else 16
        boot = bytearray(512)
        struct.pack_into("<HBHBHHBH", boot, 11, 512, 1, 2 if wide else 1, 2 if bits == 12 else 1,
                         root_entries, sectors, 0xf8, 0 if wide else table_sectors)
        if wide:
            struct.pack_into("<IHHIHH", boot, 36, table_sectors, 0, 0, 5, 1, 0)
        boot[0:3], boot[510:512] = b"\xeb\x3c\x90", b"\x55\xaa"
        information = bytearray(512 if wide else 0)
        if wide:
            struct.pack_into("<I480xIII12xI", information, 0, 0x41615252, 0x61417272, 490, 6, 0xaa550000)
        table = table_of(bits, table_sectors)
        alias = b"LONGNA~1TXT"
        checksum = 0
        for byte in alias:
            checksum = ((checksum << 7 | checksum >> 1) + byte) & 0xff
        units = "longer name.txt".encode("utf-16-le") + b"\0\0" + b"\xff" * 20
        root = b""
        for part in (2, 1):
            text = units[(part - 1) * 26:part * 26]
            root += bytes([part | (0x40 if part == 2 else 0)]) + text[:10] + b"\x0f\0" + bytes(
                [checksum]) + text[10:22] + b"\0\0" + text[22:26]
        root += alias + struct.pack("<B14xHI", 0x20, 3, 700)
        root += b"SUB        " + struct.pack("<B14xHI", 0x10, 2, 0)
        head = bytes(boot + information) + table * boot[16] + (b"" if wide else root.ljust(512, b"\0"))
        sub = b".          " + struct.pack("<B14xHI", 0x10, 2, 0)
        sub += b"..         " + struct.pack("<B20x", 0x10)
        return head + sub.ljust(512, b"\0") + (b"x" * 700).ljust(1024, b"\0") + (root if wide else b"")

    yield volume(12, 500, 2)
    yield volume(16, 4200, 17)
    yield volume(32, 500, 4)


def fuse_message():
    attributes = struct.pack("<6Q10I", 5, 9, 1, 1, 1, 1, 0, 0, 0, 0o100644, 1, 0, 0, 0, 4096, 0)
    entry = struct.pack("<4Q2I", 5, 1, 1, 1, 0, 0) + attributes
    name = struct.pack("<2Q2I", 5, 1, 3, 8) + b"abc".ljust(8, b"\0")
    yield b"\0" + struct.pack("<4I2H2I2H8I", 7, 31, 0, 0xffff, 0, 0, 65536, 1, 32, 0, *[0] * 8)
    yield b"\1" + struct.pack("<Q2I", 1, 0, 0) + attributes
    yield b"\2" + entry
    yield b"\3" + name * 2
    yield b"\4" + entry + name
    yield b"\5" + b"\2" * 8 + struct.pack("<2q", 0, -1)
    yield b"\6fd=5,rootmode=40000,user_id=0,group_id=0,max_read=4096"


def image():
    """A program and its interpreter; the same through two scripts; with a read that fails."""
    fixed, dynamic, _ = elf()
    loader = (elf_header(3, 0x1000, 1)
              + program_header(LOAD, 5, 0, 0, 0x100, 0x2000)).ljust(0x100, b"\0")

    def files(head, *contents):
        return head.ljust(8, b"\0") + b"".join(struct.pack("<H", len(content)) + content
                                               for content in contents)
    yield files(b"", fixed)
    yield files(b"", dynamic, loader)
    yield files(b"\0\0\1\2\3\4\5", b"#!/bin/sh -x y\n", b"#! /bin/env\n", dynamic, loader)
    yield files(b"\x83", dynamic, loader)
    yield files(b"\0\x82", b"#!a\n", dynamic, loader)


def keyboard():
    yield bytes(range(0x59))
    yield bytes([2, 0x29, 0x12, 0x2a, 0x1e, 0x9e, 0xaa, 0x1d, 0x2e, 0xe0, 0x48, 0xe0, 0x1d, 0x38, 0x1e,
                 0x3a, 0x1e, 0x45, 0x47, 0xe1, 0x1d, 0x45, 0xe1, 0x9d, 0xc5, 0x1e])


def line_discipline():
    def typed(text):
        return bytes([0, len(text)]) + text
    yield typed(b"hello\tworld\x7f\x7f\x17\n") + b"\x05\x08" + typed(b"a\x04\x16\x03b\x15\r")
    # noncanonical, raw output, ECHOPRT, IUTF8, PARMRK
    yield (b"\x03\x01" + typed(b"raw\xff") + b"\x02\x00" + typed(b"\t") + b"\x05\x04\x03\x01"
           + b"\x03\x0a" + typed(b"ab\x7f\x7f") + b"\x01\x0e" + typed(b"\xc3\xa4\x7f")
           + b"\x01\x03" + typed(b"\xff") + b"\x07\x00\x06\x10a\tb\nc\rd")
    yield (typed(b"x" * 255) * 17) + b"\x05\xff" * 3


def load_options():
    yield "quiet init=/x".encode("utf-16-le") + b"\0\0"
    yield "BOOTX64.EFI quiet".encode("utf-16-le") + b"\0\0"
    yield (struct.pack("<IH", 1, 4) + "Baton\0".encode("utf-16-le") + b"\x7f\xff\x04\0"
           + "quiet\0".encode("utf-16-le"))


def memory_map():
    def descriptors(step, rows):
        return b"".join(struct.pack("<IIQQQQ", *row[:1], 0, row[1], 0, *row[2:]).ljust(step, b"\0")
                        for row in rows)
    plain = [(7, 0, 0xa0, 0xf), (4, 0x100000, 0x700, 0xf), (7, 0x800000, 0x1000, 0xf),
             (2, 0x1800000, 0x10, 0xf), (6, 0x1810000, 0x10, 0x800000000000000f),
             (9, 0x1820000, 4, 0xf), (10, 0x1824000, 4, 0xf), (0, 0xff000000, 0x1000, 1),
             (11, 0xfee00000, 1, 0x8000000000000001)]
    hostile = [(7, 0x100000, 0x1000, 8), (0, 0x200000, 0x10, 0), (7, 0x180800, 3, 8),
               (7, 0x100000, 0, 8), (0, 2**64 - 4096, 2, 8), (7, 2**40 - 4096, 4, 8),
               (7, 0x300000, 16, 0x40008), (14, 0x400000, 16, 0x8008), (15, 0x500000, 16, 8),
               (0x70000000, 0x600000, 16, 8), (7, 0x100000, 0x1000, 9)]
    yield b"\x06\x28" + descriptors(48, plain)
    yield b"\x05\x24" + descriptors(40, plain[::-1])
    yield b"\x05\x28" + descriptors(40, hostile)


def acpi_table(signature, body, revision=3):
    table = bytearray(signature + struct.pack("<IBB", 36 + len(body), revision, 0)
                      + b"BATON BATONTAB" + bytes(12) + body)
    table[9] = -sum(table) & 0xff
    return bytes(table)


def acpi():
    madt = acpi_table(b"APIC", struct.pack("<II", 0xfee00000, 1)
                      + struct.pack("<BBBBI", 0, 8, 0, 0, 1)
                      + struct.pack("<BBBBII", 1, 12, 0, 0, 0xfec00000, 0)
                      + struct.pack("<BBBBIH", 2, 10, 0, 9, 9, 13)
                      + struct.pack("<BBHI", 3, 8, 5, 2)
                      + struct.pack("<BBBHB", 4, 6, 255, 0, 1)
                      + struct.pack("<BBHQ", 5, 12, 0, 0xfee00000)
                      + struct.pack("<BBHIII", 9, 16, 0, 300, 1, 300)
                      + struct.pack("<BBHIBBBB", 10, 12, 0, 300, 1, 0, 0, 0))
    fields = bytearray(240)
    struct.pack_into("<I", fields, 76 - 36, 0x608)
    fields[88 - 36], fields[89 - 36], fields[91 - 36] = 4, 2, 4
    struct.pack_into("<I", fields, 112 - 36, 1 << 8 | 1 << 10)
    struct.pack_into("<BBBBQB", fields, 116 - 36, 1, 8, 0, 1, 0xcf9, 6)
    fadt = acpi_table(b"FACP", bytes(fields))
    hpet = acpi_table(b"HPET", struct.pack("<IBBBBQBHB", 0x8086a201, 0, 64, 0, 0, 0xfed00000, 0,
                                           100, 0))
    tables = [fadt, madt, hpet]
    yield from tables
    units = struct.pack("<BB10xHHBBHQHHIQQ", 38, 0, 0, 16, 1, 0, 0, 0xfed90000, 1, 24, 0, 0x1000, 0x1fff)
    yield acpi_table(b"DMAR", units, 1)
    yield acpi_table(b"MCFG", bytes(8) + struct.pack("<QHBBI", 0xb0000000, 0, 0, 255, 0))
    for xsdt in (True, False):
        places, body = [], b""
        for table in tables:
            places.append(0x1000 + 128 + len(body))
            body += table + bytes(-len(table) % 4)
        root = (acpi_table(b"XSDT", struct.pack("<3Q", *places)) if xsdt
                else acpi_table(b"RSDT", struct.pack("<3I", *places)))
        rsdp = bytearray(b"RSD PTR \0BATON \0")
        rsdp[15] = 2 if xsdt else 0
        rsdp += struct.pack("<IIQ", 0 if xsdt else 0x1024, 36, 0x1024 if xsdt else 0) + bytes(4)
        rsdp[8] = -sum(rsdp[:20]) & 0xff
        rsdp[32] = -sum(rsdp) & 0xff
        yield (bytes(rsdp) + root).ljust(128, b"\0") + body


def aml():
    yield b"\x10\x1a\\\0\x08_S5_\x12\x06\x04\0\0\0\0"
    yield b"\x08^_S3_\x12\x0b\x04\x0b\x05\0\x0a\x07\0\0\x08_S5_\x13\x06\x0a\x04\x01\0\0"


def memory_attributes():
    yield (struct.pack("<IIII", 1, 2, 48, 0)
           + struct.pack("<IIQQQQQ", 5, 0, 0x7e000000, 0, 3, 1 << 63 | 0x20000, 0)
           + struct.pack("<IIQQQQQ", 5, 0, 0x7e003000, 0, 1, 1 << 63 | 0x4000, 0))


def memory_options():
    yield b"size=50%,nr_inodes=1k,mode=1777,uid=0,gid=5,inode64"
    yield b"nr_blocks=0x10m,huge=never,mpol=default,,size=010,inode32"


def options():
    yield b"console=ttyS0 quiet init=/bin/sh mem=512M -- single a=b"
    yield b"mem=0x10k mem=\"1G\" \"a=b c\" d=\"e f\" max-cpus=2 max_cpus=3"


def partition_table():
    """An MBR with a chain, and a GPT, which the target seals."""
    mbr = bytearray(512 * 31)
    struct.pack_into("<4xB3xII", mbr, 446, 0x83, 10, 10)
    struct.pack_into("<4xB3xII", mbr, 462, 0x0f, 20, 40)
    struct.pack_into("<4xB3xII", mbr, 20 * 512 + 446, 0x83, 2, 5)
    struct.pack_into("<4xB3xII", mbr, 20 * 512 + 462, 0x05, 10, 10)
    for block in (0, 20, 30):
        mbr[block * 512 + 510:block * 512 + 512] = b"\x55\xaa"
    yield bytes(mbr)
    gpt = bytearray(512 * 34)
    struct.pack_into("<4xB3xII", gpt, 446, 0xee, 1, 255)
    gpt[510:512] = b"\x55\xaa"
    struct.pack_into("<8sIIIIQQQQ16sQIII", gpt, 512, b"EFI PART", 0x10000, 92, 0, 0, 1, 255, 34, 222,
                     b"disk's own guid.", 2, 128, 128, 0)
    struct.pack_into("<16s16sQQQ", gpt, 1024, b"type of the part", b"the part's own..", 40, 99, 0)
    gpt[1024 + 56:1024 + 64] = "data".encode("utf-16-le")
    yield bytes(gpt)


def scsi_target():
    for kind in b"\x01\x02":
        yield bytes((kind, 0x12, 0, 0, 0, 96, 0))
        for page in (0, 0x80, 0x83, 0x89, 0xb1):
            yield bytes((kind, 0x12, 1, page, 4, 0, 0))
        yield bytes((kind, 0x25)) + bytes(9)
        yield bytes((kind, 0x9e, 0x10)) + bytes(14)
        yield bytes((kind, 0x85, 8)) + bytes(12) + b"\xec\0"


def superblock():
    """One each, in pieces of half a KiB for the places that the target tells of."""
    def disk(*pieces):
        image = bytearray(6 * 512)
        for place, value in pieces:
            image[place:place + len(value)] = value
        return bytes(image)
    uuid = bytes(range(16))
    yield disk((512 + 56, b"\x53\xef"), (512 + 104, uuid), (512 + 120, b"root"))
    yield disk((0, b"XFSB"), (32, uuid), (108, b"home"))
    yield disk((3 * 512 - 10, b"SWAPSPACE2"), (512 + 12, uuid), (512 + 28, b"swap"))
    yield disk((4 * 512 + 64, b"_BHRfS_M"), (4 * 512 + 32, uuid))
    yield disk((3, b"NTFS    "), (0x48, uuid[:8]))
    yield disk((3, b"EXFAT   "), (88, b"\x41\0\0\0"), (96, struct.pack("<II", 2, 77)), (108, b"\x09\0"),
               (5 * 512 + 32, b"\x83\x02A\0B\0"))
    yield disk((0, b"\xeb"), (11, struct.pack("<HBHBHH", 512, 1, 2, 1, 32, 4000)), (22, b"\x0c\0"),
               (39, uuid[1:5]), (510, b"\x55\xaa"), (1024, b"LABEL      \x08"))
    yield disk((3 * 512, b"\1CD001\1"), (3 * 512 + 40, b"DISC".ljust(32)))


def pci():
    device = bytearray(256)
    struct.pack_into("<IIIB", device, 0, 0x10011af4, 0x00100007, 0x01000000, 0)
    struct.pack_into("<II", device, 0x10, 0x6001, 0xc0001000)
    device[0x34] = 0x40
    device[0x40:0x44] = b"\x05\x50\0\0"
    device[0x50:0x54] = b"\x10\0\x42\x01"
    yield bytes(device) + struct.pack("<Q", 0xffffff80fffff001)
    bridge = bytearray(device)
    bridge[0x0e] = 1
    bridge[0x18:0x20] = b"\0\1\2\0\x71\x71\0\0"
    struct.pack_into("<HHHH", bridge, 0x20, 0xc140, 0xc150, 1, 0x1ff1)
    yield bytes(bridge)


def pe_image():
    header = bytearray(b"PE\0\0" + bytes(276))
    struct.pack_into("<H", header, 24, 0x20b)
    struct.pack_into("<I", header, 24 + 56, 0x400)
    struct.pack_into("<I", header, 24 + 108, 16)
    struct.pack_into("<II", header, 24 + 112 + 48, 64 + 280, 28)
    entry = struct.pack("<IIHHIIII", 0, 0, 0, 0, 2, 30, 64 + 308, 0)
    yield (b"MZ".ljust(60, b"\0") + struct.pack("<I", 64) + bytes(header) + entry
           + b"NB10" + bytes(12) + b"/build/Reset.dll\0")


def screen():
    yield (b"\x4f\x17hello\r\n\033[1;31mred\033[0m\033[2J\033[5;10H\033[38;5;196mx\033[48;2;1;2;3my"
           b"\033[3;8r\033[?6h\033[H\033M\033D\033[4L\033[2M\033[3P\033[2@\033[?7l\033[6n\033[c\t\033H\033[g")
    yield b"\x10\x05\033(0lqqk\033(B\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\xff\033]0;title\a\0337\033[9b\0338"
    yield b"\x02\x01\033#8\033[4h" + b"abcdefgh" * 4 + b"\033[2S\033[T\033[3X\033[2Z\033c"


def script():
    yield b"#!/bin/sh\necho"
    yield b"#! \t/usr/bin/env  python3 -x \n"
    yield b"#!/" + b"x" * 300
    yield b"#!" + b" " * 300


def smbios_tables():
    structures = (b"\x01\x08\0\1\1\3\0\x09QEMU\0\0" + b"\x03\x05\0\3\2one\0two\0\0"
                  + b"\x7f\x04\0\x7f\0\0")
    yield (b"_SM_\0\x1f\2\x08" + bytes(8) + b"_DMI_\0" + struct.pack("<HIHBB", 383, 0x1000, 9, 0, 0)
           + structures)
    yield b"_SM3_\0\x18\3" + struct.pack("<IIQ", 0, 0x1000, 0x1000) + bytes(8) + structures


def symbols():
    def symbol(name, value, size, kind=2, section=1):
        return struct.pack("<IBBHQQ", name, kind, 0, section, value, size)
    table = (bytes(24) + symbol(1, 0x1000, 0x80) + symbol(7, 0x2000, 0x100)
             + symbol(14, 0x3000, 0, 0))
    for address in (0x1010, 0x20ff, 0x3000, 0x1080):
        yield struct.pack("<Q", address) + struct.pack(">H", len(table)) + table + \
            b"\0first\0second\0label\0"


def record():
    """A record with one entry of each kind, as a machine leaves it that stops: with a CRC hardly
    anything that is changed would be looked at."""
    made = handoff.Record(flags=0)
    for name in handoff.KINDS:
        made.add(name, bytes(8))
    yield made.bytes()
    few = handoff.Record(flags=0)
    few.add("map_first", bytes(96), map_size=96, descriptor_size=48, descriptor_version=1)
    few.add("image", b"name.efi" + bytes(40), name_size=8, section_count=1)
    few.add("variable", b"S\0\0\0\0\0\0\0\1", name_size=4, data_kept=1)
    yield few.bytes()


def audit():
    """The clean record, and smaller ones of a few kinds each, behind a byte that chooses the profile."""
    whole = handoff_clean.clean()
    whole.flags = 0
    yield b"\2" + whole.bytes()
    for first in range(0, len(whole.entries), 8):
        few = handoff.Record(flags=0)
        few.entries = whole.entries[:3] + whole.entries[first:first + 8]
        yield b"\1" + few.bytes()


def usb_descriptors():
    keyboard = bytes([9, 2, 34, 0, 1, 1, 0, 0xa0, 50, 9, 4, 0, 0, 1, 3, 1, 1, 0,
                      9, 0x21, 0x11, 1, 0, 1, 0x22, 63, 0, 7, 5, 0x81, 3, 8, 0, 10])
    stick = bytes([9, 2, 44, 0, 1, 1, 0, 0xc0, 0, 9, 4, 0, 0, 2, 8, 6, 0x50, 0,
                   7, 5, 0x81, 2, 0, 4, 0, 6, 0x30, 15, 0, 0, 0, 7, 5, 2, 2, 0, 4, 0, 6, 0x30, 15, 0, 0, 0])
    yield b"\2" + bytes([18, 1, 0, 2, 0, 0, 0, 64, 0x27, 6, 1, 0, 0, 0, 1, 4, 11, 1])
    yield b"\2" + keyboard
    yield b"\3" + stick
    yield b"\2" + bytes([10, 0x29, 8, 0x69, 0, 50, 0, 0, 0, 0])
    yield b"\3" + bytes([12, 0x2a, 4, 9, 0, 50, 0, 4, 0, 0, 0, 0])
    yield b"\0" + bytes([10, 3]) + "Q\u00e9\u20ac\n".encode("utf-16-le")


def usb_hid_keyboard():
    keyboard = bytes.fromhex("05010906a1010507 19e029e7150025017501950881029501750881019503750105081901"
                             "290391029501750591019506750826ff00050719002aff008100c0")
    reports = bytes([2, 0, 4, 5, 0, 0, 0, 0]).ljust(16, b"\0") + bytes(16)
    yield bytes([len(keyboard)]) + keyboard + reports
    bits = bytes.fromhex("05010906a101850105071904297015002501956d7501810295038103a9010908a9000905a4b4c0")
    yield bytes([len(bits)]) + bits + b"\1\4" + bytes(14)


def usb_storage():
    yield b"\0\x80\6\2".ljust(8, b"\0") + b"QEMU    QEMU HARDDISK   2.5+"
    yield b"USBS    " + bytes(5)
    yield struct.pack(">II", 2047, 512)
    yield struct.pack(">QI", 1 << 33, 4096).ljust(32, b"\0")
    yield bytes([0x70, 0, 6, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0x29, 0, 0, 0, 0, 0])
    yield bytes([3, 0, 0x80, 0])


def digest_list():
    digest = bytes.fromhex("012345") + bytes(29)
    for path in ("/baton/kernel.elf", "/loader/entries/a+2-1.conf"):
        plain = path.replace("+2-1", "")
        yield f"{path}\0# signed\n{bytes(32).hex()} /x\n{digest.hex()} {plain}\n".encode()


def sbat():
    yield b"sbat,1,SBAT Version,sbat,1,https://x\nbaton,2,Baton\n\nsbat,1,2022052400\nbaton,3\n"


def event_log():
    first = b"Spec ID Event03\0" + struct.pack("<IBBBBIHHHHB", 0, 0, 2, 0, 2, 2, 4, 20, 11, 32, 0)
    events = [struct.pack("<IIIH20sH32sI", pcr, 13, 2, 4, b"1", 11, b"2", 4) + b"text" for pcr in (4, 12)]
    log = struct.pack("<II20sI", 0, 3, b"", len(first)) + first
    yield struct.pack("<Q", len(log) + len(events[0])) + log + b"".join(events)


def menu():
    yield bytes([80, 25, 3, 1, 5]) + b"jjeaudit\x0bqkmh1"


def boot_order():
    yield b"a+3-1.conf\n*.conf\n6.1-2\nkey\nb.conf\n[a-c]?\n6.1~rc1\nkey"


def loader_settings():
    yield b"timeout 5\ndefault a*\neditor no\nPRETTY_NAME=\"Baton 1\"\nID=baton\n"


TARGETS = {function.__name__: function for function in (
    digest_list, sbat, event_log, menu, boot_order, loader_settings,
    acpi, aml, archive, audit, boot_entry, cpio, efi_variable, elf, elf_kernel, fat, fuse_message,
    image, keyboard,
    line_discipline, load_options, memory_attributes, memory_map, memory_options, net_boot, options,
    partition_table, pci,
    pe_image, record, screen, script, scsi_target, smbios_tables, superblock,
    symbols, unpacker,
    usb_descriptors, usb_hid_keyboard, usb_storage)}

WORDS = {
    "acpi": ["RSD PTR ", "XSDT", "RSDT", "APIC", "FACP", "HPET", "MCFG", "DMAR"],
    "aml": ["\\x08_S5_\\x12", "\\x08\\x5c_S5_", "\\x0a\\x05", "\\x0c", "\\x0e"],
    "boot_entry": ["linux /", "efi /", "initrd /", "options ", "title ", "version ", "machine-id ",
                   "sort-key ", "architecture x64", "/../", "/./", "\\x0d\\x0a", "\\x0a", "#"],
    "cpio": ["070701", "070702", "TRAILER!!!\\x00", "00000000", "FFFFFFFF", "ffffffff",
             "00000001", "000081A4", "000041ED", "0000A1FF", "00001000"],
    "elf": ["\\x7fELF", "\\x51\\xe5\\x74\\x64", "\\x52\\xe5\\x74\\x64",
            "\\x00\\xf0\\xff\\xff\\xff\\x7f\\x00\\x00"],
    "elf_kernel": ["\\x7fELF"],
    "image": ["#!/bin/sh", "\\x0a", "\\x7fELF", "\\x00\\xf0\\xff\\xff\\xff\\x7f\\x00\\x00",
              "\\x51\\xe5\\x74\\x64"],
    "load_options": [".\\x00e\\x00f\\x00i\\x00", "\\x7f\\xff\\x04\\x00"],
    "pe_image": ["MZ", "PE\\x00\\x00", "NB10", "RSDS", "MTOC"],
    "screen": ["\\x1b[", "\\x1b(0", "\\x1b[?6h", "\\x1b[?7h", "\\x1b[38;5;", "\\x1b[48;2;",
               "\\x1b[2;4r", "\\x1bM", "\\x1bD", "\\x1b[99b", "\\x1b[4h", "\\x1b[6n"],
    "script": ["#!", "#!/bin/sh", "\\x0a", "\\x00", "\\x09"],
    "superblock": ["_BHRfS_M", "SWAPSPACE2", "XFSB", "EXFAT   ", "NTFS    ", "CD001"],
    "memory_options": ["size=", "nr_blocks=", "nr_inodes=", "mode=", "uid=", "gid=", "%", ",", "0x"],
    "record": ["BATONREC", "\\x01\\x00\\x58\\x00"],
    "options": [" -- ", "mem=", "\\\"", "0x", "=on", "K", "E"],
}
