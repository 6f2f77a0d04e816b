"""Writes the disk that a machine boots from: a GPT with one EFI system partition (FAT32).

It is the format of a USB stick made with scripts/image; every boot uses it, whatever the medium.
The partition table is written here, the file system by mtools. The same files give the same image,
byte for byte: identifiers are made from the content, and every time is the project's date.
"""
import hashlib
import os
import shutil
import struct
import subprocess
import tempfile
import uuid
import zlib

from . import project

SECTOR = 512
MEBIBYTE = 1 << 20
PARTITION_START = MEBIBYTE
# FAT32 means at least 65,525 clusters (UEFI 2.10, 13.3.1.1; Microsoft's FAT specification 3.5).
PARTITION_MINIMUM = 36 * MEBIBYTE
LARGE_PARTITION = 256 * MEBIBYTE

ESP_TYPE = uuid.UUID("c12a7328-f81f-11d2-ba4b-00a0c93ec93b")  # UEFI 2.10, 5.3.3, table 5.7
ENTRY_COUNT = 128
ENTRY_SIZE = 128
TABLE_SECTORS = ENTRY_COUNT * ENTRY_SIZE // SECTOR

# In a FAT volume's first sector, as in an MBR (UEFI 2.10, 5.2.1).
MBR_TABLE = 446
MBR_TABLE_SIZE = 64
BACKUP_SECTOR = 50  # BPB_BkBootSec: Microsoft's FAT specification, 3.3


def _protective_mbr(sectors):
    """UEFI 2.10, 5.2.3: one partition of type 0xee that covers the disk."""
    record = struct.pack("<B3sB3sII", 0, b"\0\x02\0", 0xee, b"\xff\xff\xff", 1,
                         min(sectors - 1, 0xffffffff))
    return bytes(446) + record + bytes(48) + b"\x55\xaa"


def _gpt_header(here, other, table, sectors, disk, table_crc):
    """UEFI 2.10, 5.3.2, table 5.5."""
    first_usable = 2 + TABLE_SECTORS
    last_usable = sectors - 2 - TABLE_SECTORS

    def pack(crc):
        return struct.pack("<8sIIIIQQQQ16sQIII", b"EFI PART", 0x00010000, 92, crc, 0, here, other,
                           first_usable, last_usable, disk.bytes_le, table, ENTRY_COUNT,
                           ENTRY_SIZE, table_crc)

    return pack(zlib.crc32(pack(0))).ljust(SECTOR, b"\0")


def _guid(digest, what):
    """A GUID that belongs to what the volume holds (RFC 4122, version 5)."""
    return uuid.UUID(bytes=hashlib.sha256(digest + what).digest()[:16], version=5)


def _write_partition_table(file, sectors, partition_sectors, digest):
    first = PARTITION_START // SECTOR
    entry = struct.pack("<16s16sQQQ72s", ESP_TYPE.bytes_le, _guid(digest, b"partition").bytes_le, first,
                        first + partition_sectors - 1, 0, "EFI System".encode("utf-16-le"))
    table = entry.ljust(ENTRY_COUNT * ENTRY_SIZE, b"\0")
    disk = _guid(digest, b"disk")
    crc = zlib.crc32(table)
    last = sectors - 1
    backup_table = last - TABLE_SECTORS
    file.write(_protective_mbr(sectors))
    file.write(_gpt_header(1, last, 2, sectors, disk, crc) + table)
    file.seek(backup_table * SECTOR)
    file.write(table + _gpt_header(last, 1, backup_table, sectors, disk, crc))


def write(path, files):
    """Writes a disk image to `path`. `files` maps a path on the partition, with slashes, to a path
    on the host or to bytes."""
    with tempfile.TemporaryDirectory(prefix="baton-volume-") as staging:
        size, digest = _stage(staging, files)
        partition = max(PARTITION_MINIMUM, size + size // 32 + 2 * MEBIBYTE)
        partition = -(-partition // MEBIBYTE) * MEBIBYTE
        total = PARTITION_START + partition + MEBIBYTE
        with open(path, "wb") as image:
            image.truncate(total)
            _write_partition_table(image, total // SECTOR, partition // SECTOR, digest)
        target = f"{path}@@{PARTITION_START}"
        cluster = 8 if partition >= LARGE_PARTITION else 1
        _mtools("mformat", "-i", target, "-F", "-c", str(cluster), "-h", "255", "-s", "63",
                "-H", str(PARTITION_START // SECTOR), "-T", str(partition // SECTOR),
                "-N", digest[:4].hex(), "-v", "BATON", "::")
        _clear_nested_table(path)
        for folder in _folders(files):
            _mtools("mmd", "-i", target, f"::{folder}")
        for name in sorted(files):
            _mtools("mcopy", "-i", target, "-Q", os.path.join(staging, name), f"::{name}")


def _folders(files):
    """The folders that these files lie in, each behind the one that holds it."""
    folders = set()
    for name in files:
        while name := name.rpartition("/")[0]:
            folders.add(name)
    return sorted(folders)


def _clear_nested_table(path):
    """mformat leaves what looks like a partition's entry in the volume's first sector and in its
    copy: a firmware that looks there sees a table within the partition (EDK2 complains of it)."""
    with open(path, "r+b") as image:
        image.seek(PARTITION_START + BACKUP_SECTOR)
        backup, = struct.unpack("<H", image.read(2))
        for sector in (0, backup):
            image.seek(PARTITION_START + sector * SECTOR + MBR_TABLE)
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


def _mtools(*command):
    # mtools knows better than to check a volume against a floppy's geometry.
    environment = {**os.environ, "MTOOLS_SKIP_CHECK": "1", "TZ": "UTC0",
                   "SOURCE_DATE_EPOCH": str(project.date())}
    result = subprocess.run(command, check=False, env=environment, stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if result.returncode:
        raise project.Failure(f"{command[0]}: {' '.join(result.stdout.split()) or 'failed'}")
