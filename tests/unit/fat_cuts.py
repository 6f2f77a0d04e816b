#!/usr/bin/python3
"""fat_cuts.py WRITER [OPERATIONS]: a volume is cut at each single write of so many operations, and
fsck.vfat looks at it: at most clusters that belong to nobody, a chain longer than its file, copies of
the table that differ by the write that is missing, and a count of free clusters that is no longer true.

FAT12, 16 and 32, made by mkfs.vfat."""
import os
import re
import struct
import subprocess
import sys
import tempfile

MIB = 1 << 20
FORMS = {"12": (2 * MIB, ["-F", "12"]), "16": (5 * MIB, ["-F", "16", "-s", "2"]),
         "32": (34 * MIB, ["-F", "32", "-s", "1"])}
# What fsck.vfat may say (dosfstools 4.2), besides its heads and totals.
HARMLESS = [re.compile(text) for text in (
    r"^fsck\.fat ", r"^$", r"^Leaving filesystem unchanged\.", r"^\S+: \d+ files, \d+/\d+ clusters",
    r"^There are differences between boot sector and its backup", r"^This is mostly harmless",
    r"^  65:01/00", r"^  Not automatically fixing this",
    r"^Dirty bit is set", r" Automatically removing dirty bit",
    r"^Reclaimed \d+ unused clusters? \(\d+ bytes\)", r"^Reclaiming unconnected clusters",
    r"^Free cluster summary (wrong|uninitialized)", r"^  Auto-(correcting|setting)",
    r"^FATs differ but appear to be intact\.", r"^  Using first FAT\.",
    r"^/.*$", r"^  File size is \d+ bytes, cluster chain length is > \d+ bytes\.",
    r"^  Truncating file to \d+ bytes", )]


def writes(log):
    at = 0
    while at < len(log):
        offset, size = struct.unpack_from("<QI", log, at)
        yield offset, log[at + 12:at + 12 + size]
        at += 12 + size


def complaints(image):
    """What fsck.vfat says beyond that."""
    found = subprocess.run(["fsck.vfat", "-n", image], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                           text=True, errors="replace", check=False).stdout
    return [line for line in found.splitlines() if not any(each.search(line) for each in HARMLESS)]


def one(writer, folder, bits, operations, seed):
    """(cuts, complaints by number of the write)."""
    image, log = os.path.join(folder, "image"), os.path.join(folder, "log")
    size, form = FORMS[bits]
    with open(image, "wb") as file:
        file.truncate(size)
    subprocess.run(["mkfs.vfat", *form, image], check=True, stdout=subprocess.DEVNULL)
    subprocess.run([writer, image, log, str(operations), str(seed)], check=True)
    with open(log, "rb") as file:
        log = file.read()
    bad, cuts = [], 0
    with open(image, "r+b", buffering=0) as file:
        for offset, data in writes(log):
            file.seek(offset)
            file.write(data)
            cuts += 1
            said = complaints(image)
            if said:
                bad.append(f"after write {cuts}: {'; '.join(said)}")
    return cuts, bad


def main():
    writer, operations = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 500
    failed = False
    for number, bits in enumerate(FORMS, 1):
        with tempfile.TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else None) as folder:
            cuts, bad = one(writer, folder, bits, operations, number)
        good = not bad and cuts > operations
        failed |= not good
        for line in bad[:20]:
            print("#", line)
        print(f"{'ok' if good else 'not ok'} {number} - FAT{bits}: {operations} operations cut at each of "
              f"{cuts} writes")
    print(f"1..{len(FORMS)}")
    return failed


if __name__ == "__main__":
    sys.exit(main())
