"""Writes the disk that a machine boots from: a GPT with an EFI system partition (FAT32) and, if asked for,
others behind it; or a CD.

It is the format of a USB stick made with scripts/image; every boot uses it, whatever the medium.
The partition table is written here, the file system by mtools. The same files give the same image,
byte for byte: identifiers are made from the content, and every time is the project's date.
"""
import dataclasses
import hashlib
import itertools
import os
import shutil
import struct
import subprocess
import tempfile
import typing
import uuid
import zlib

from . import project

SECTOR = 512  # bytes; disks of 4,096 (4Kn) have no smaller ones
SECTORS = (512, 4096)
MEBIBYTE = 1 << 20
PARTITION_START = MEBIBYTE
# FAT32 means at least 65,525 clusters (UEFI 2.10, 13.3.1.1; Microsoft's FAT specification 3.5).
PARTITION_MINIMUM = {512: 36 * MEBIBYTE, 4096: 260 * MEBIBYTE}
LARGE_PARTITION = 256 * MEBIBYTE

ESP_TYPE = uuid.UUID("c12a7328-f81f-11d2-ba4b-00a0c93ec93b")  # UEFI 2.10, 5.3.3, table 5.7
# The extended boot loader partition (Boot Loader Specification, "The Partitions").
BOOT_TYPE = uuid.UUID("bc13c2ff-59e6-4262-a352-b275fd6f7172")
ENTRY_COUNT = 128
ENTRY_SIZE = 128
TABLE_SIZE = ENTRY_COUNT * ENTRY_SIZE

# In a FAT volume's first sector, as in an MBR (UEFI 2.10, 5.2.1).
MBR_TABLE = 446
MBR_TABLE_SIZE = 64
BACKUP_SECTOR = 50  # BPB_BkBootSec: Microsoft's FAT specification, 3.3


@dataclasses.dataclass
class Partition:
    """`size` in bytes; fill(image, offset) writes what is in it."""
    name: str
    type: uuid.UUID
    guid: uuid.UUID
    size: int
    fill: typing.Callable

    def entry(self, start, sector):
        """In the partition table, for one that begins at that byte: UEFI 2.10, 5.3.3, table 5.6."""
        return struct.pack("<16s16sQQQ72s", self.type.bytes_le, self.guid.bytes_le, start // sector,
                           (start + _mebibytes(self.size)) // sector - 1, 0, self.name.encode("utf-16-le"))


def _protective_mbr(sectors, sector):
    """UEFI 2.10, 5.2.3: one partition of type 0xee that covers the disk."""
    record = struct.pack("<B3sB3sII", 0, b"\0\x02\0", 0xee, b"\xff\xff\xff", 1,
                         min(sectors - 1, 0xffffffff))
    return (bytes(446) + record + bytes(48) + b"\x55\xaa").ljust(sector, b"\0")


def _gpt_header(here, other, table, sectors, sector, disk, table_crc):
    """UEFI 2.10, 5.3.2, table 5.5."""
    first_usable = 2 + TABLE_SIZE // sector
    last_usable = sectors - 2 - TABLE_SIZE // sector

    def pack(crc):
        return struct.pack("<8sIIIIQQQQ16sQIII", b"EFI PART", 0x00010000, 92, crc, 0, here, other,
                           first_usable, last_usable, disk.bytes_le, table, ENTRY_COUNT,
                           ENTRY_SIZE, table_crc)

    return pack(zlib.crc32(pack(0))).ljust(sector, b"\0")


def _guid(digest, what):
    """A GUID that belongs to what the volume holds (RFC 4122, version 5)."""
    return uuid.UUID(bytes=hashlib.sha256(digest + what).digest()[:16], version=5)


def _fat_partition(kind, name, staging, files, sector):
    """A partition with a FAT volume of these files, and a digest of them."""
    size, digest = _stage(staging, files)
    size = _mebibytes(max(PARTITION_MINIMUM[sector], size + size // 32 + 2 * MEBIBYTE))
    cluster = 4096 // sector if size >= LARGE_PARTITION else 1

    def fill(image, offset):
        _write_fat(f"{image}@@{offset}", staging, files, digest, "-F", "-c", str(cluster), "-M", str(sector),
                   "-H", str(offset // sector), "-T", str(size // sector))
        _clear_nested_table(image, offset, sector)

    return Partition(name, kind, _guid(digest, b"partition"), size, fill), digest


def _write_partition_table(file, total, entries, disk, sector):
    """For a disk of that many bytes, with this GUID."""
    sectors = total // sector
    table = entries.ljust(TABLE_SIZE, b"\0")
    crc = zlib.crc32(table)
    last = sectors - 1
    backup_table = last - TABLE_SIZE // sector
    file.write(_protective_mbr(sectors, sector))
    file.write(_gpt_header(1, last, 2, sectors, sector, disk, crc) + table)
    file.seek(backup_table * sector)
    file.write(table + _gpt_header(last, 1, backup_table, sectors, sector, disk, crc))


def _mebibytes(size):
    return -(-size // MEBIBYTE) * MEBIBYTE


def _write_fat(target, staging, files, digest, *format_options):
    tool("mformat", "-i", target, *format_options, "-h", "255", "-s", "63", "-N", digest[:4].hex(),
         "-v", "BATON", "::")
    for folder in _folders(files):
        tool("mmd", "-i", target, f"::{folder}")
    for name in sorted(files):
        tool("mcopy", "-i", target, "-Q", os.path.join(staging, name), f"::{name}")


def write(path, files, sector=SECTOR, boot=None, further=()):
    """Writes an image of a disk with sectors of that size to `path`. `files` maps a path on the partition,
    with slashes, to a path on the host or to bytes; `boot` those of a second partition for boot entries;
    `further` are the partitions behind these."""
    kinds = [(ESP_TYPE, "EFI System", files)] + [(BOOT_TYPE, "Boot Loader", boot)] * bool(boot)
    with tempfile.TemporaryDirectory(prefix="baton-volume-") as staging:
        volumes = []
        for kind, name, content in kinds:
            folder = os.path.join(staging, name)
            os.mkdir(folder)
            volumes.append(_fat_partition(kind, name, folder, content, sector))
        partitions = [*(partition for partition, _ in volumes), *further]
        places = list(itertools.accumulate((_mebibytes(part.size) for part in partitions),
                                           initial=PARTITION_START))
        total = places[-1] + MEBIBYTE
        entries = b"".join(part.entry(place, sector) for part, place in zip(partitions, places))
        with open(path, "wb") as image:
            image.truncate(total)
            _write_partition_table(image, total, entries, _guid(volumes[0][1], b"disk"), sector)
        for part, place in zip(partitions, places):
            part.fill(path, place)


def write_cd(path, files):
    """Writes an image of a CD: El Torito with a FAT volume for UEFI (UEFI 2.10, 13.3.2)."""
    with tempfile.TemporaryDirectory(prefix="baton-volume-") as folder:
        staging, disc = (os.path.join(folder, name) for name in ("files", "disc"))
        os.mkdir(disc)
        size, digest = _stage(staging, files)
        fat = os.path.join(disc, "efi.img")
        size = _mebibytes(size + size // 32 + 2 * MEBIBYTE)
        with open(fat, "wb") as image:
            image.truncate(size)
        _write_fat(fat, staging, files, digest, "-T", str(size // SECTOR))
        for place in (fat, disc):
            os.utime(place, (project.date(), project.date()))
        tool("xorriso", "-as", "mkisofs", "-quiet", "-V", "BATON", "-o", path, "-e", "efi.img",
             "-no-emul-boot", disc)


def _folders(files):
    """The folders that these files lie in, each behind the one that holds it."""
    folders = set()
    for name in files:
        while name := name.rpartition("/")[0]:
            folders.add(name)
    return sorted(folders)


def _clear_nested_table(path, start, sector_size):
    """mformat leaves what looks like a partition's entry in the volume's first sector and in its
    copy: a firmware that looks there sees a table within the partition (EDK2 complains of it)."""
    with open(path, "r+b") as image:
        image.seek(start + BACKUP_SECTOR)
        backup, = struct.unpack("<H", image.read(2))
        for sector in (0, backup):
            image.seek(start + sector * sector_size + MBR_TABLE)
            image.write(bytes(MBR_TABLE_SIZE))


def _stage(staging, files):
    """Lays the files out in a folder for mcopy; returns the bytes they need on the partition, and
    a digest of all of them."""
    size = 0
    digest = hashlib.sha256()
    for name, source in sorted(files.items()):
        path = os.path.join(staging, *name.split("/"))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if isinstance(source, bytes):
            with open(path, "wb") as file:
                file.write(source)
        else:
            try:
                os.link(source, path)
            except OSError:  # another file system
                shutil.copyfile(source, path)
        length = os.path.getsize(path)
        digest.update(f"{name} {length}\n".encode())
        with open(path, "rb") as file:
            while piece := file.read(MEBIBYTE):
                digest.update(piece)
        size += -(-length // 4096) * 4096 + 4096
    return size, digest.digest()


def tool(*command):
    """Runs mtools, which know better than to check a volume against a floppy's geometry, xorriso or mke2fs,
    with the project's date."""
    date = str(project.date())
    environment = {**os.environ, "MTOOLS_SKIP_CHECK": "1", "TZ": "UTC0", "SOURCE_DATE_EPOCH": date,
                   "E2FSPROGS_FAKE_TIME": date}
    result = subprocess.run(command, check=False, env=environment, stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if result.returncode:
        raise project.Failure(f"{command[0]}: {' '.join(result.stdout.split()) or 'failed'}")
