#!/usr/bin/env python3
"""Makes the root file system: a cpio archive that the loader hands to the kernel.

usage: initrd.py OUT ROOT BUSYBOX [PATH=FILE...]

ROOT is a folder whose files go in as they lie there (userspace/root), BUSYBOX Debian's static
busybox, which gets the usual link for each of its applets. Each PATH in the guest gets the
content of FILE, executable.
"""
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "scripts"))
from baton.cpio import Archive  # noqa: E402

# 2024-01-01 UTC: a fixed time, so that the same files give the same archive.
MTIME = 1704067200

# Linux makes the second to fourth by itself before it unpacks an archive (usr/default_cpio_list). With
# the same order here both kernels list the root folder alike.
FIRST = [("directory", ".", 0o755), ("directory", "dev", 0o755),
         ("device", "dev/console", "c", 5, 1, 0o600), ("directory", "root", 0o700)]

FOLDERS = [("proc", 0o555), ("sys", 0o555), ("tmp", 0o1777), ("run", 0o755), ("var", 0o755),
           ("var/tmp", 0o1777), ("home", 0o755), ("mnt", 0o755), ("usr", 0o755),
           ("usr/bin", 0o755), ("usr/sbin", 0o755), ("usr/lib", 0o755), ("usr/lib64", 0o755),
           ("dev/pts", 0o755), ("dev/shm", 0o1777)]

# As Debian has it since 12 (file-hierarchy(7)), so that a Debian tree can be laid over.
MERGED = ("bin", "sbin", "lib", "lib64")

# Linux's numbers: Documentation/admin-guide/devices.txt
DEVICES = [("mem", 1, 1, 0o640), ("null", 1, 3, 0o666), ("zero", 1, 5, 0o666),
           ("full", 1, 7, 0o666), ("random", 1, 8, 0o666), ("urandom", 1, 9, 0o666),
           ("kmsg", 1, 11, 0o644), ("tty", 5, 0, 0o666), ("ptmx", 5, 2, 0o666),
           ("tty0", 4, 0, 0o620), ("tty1", 4, 1, 0o620),
           ("ttyS0", 4, 64, 0o660), ("ttyS1", 4, 65, 0o660), ("ttyS2", 4, 66, 0o660),
           ("ttyS3", 4, 67, 0o660), ("rtc0", 10, 135, 0o600),
           ("fuse", 10, 229, 0o666)]

LINKS = [("dev/fd", "/proc/self/fd"), ("dev/stdin", "/proc/self/fd/0"),
         ("dev/stdout", "/proc/self/fd/1"), ("dev/stderr", "/proc/self/fd/2"),
         ("etc/mtab", "/proc/self/mounts")]


def applets(busybox):
    """Where each applet is commonly found, from the program itself: "bin/ls", "usr/bin/awk"."""
    listing = subprocess.run([busybox, "--list-full"], check=True, capture_output=True, text=True)
    return listing.stdout.split()


def read(path):
    with open(path, "rb") as file:
        return file.read()


def main():
    out, root, busybox, *specs = sys.argv[1:]
    archive = Archive(MTIME)
    for kind, *arguments in FIRST:
        getattr(archive, kind)(*arguments)
    for name, mode in FOLDERS:
        archive.directory(name, mode)
    for name in MERGED:
        archive.folder_link(name, f"usr/{name}")
    for name, major, minor, mode in DEVICES:
        archive.device(f"dev/{name}", "c", major, minor, mode)
    for folder, folders, files in os.walk(root):
        folders.sort()
        for name in sorted(files):
            path = os.path.join(folder, name)
            archive.file(os.path.relpath(path, root), read(path))
    for name, target in LINKS:
        archive.link(name, target)
    for spec in specs:
        path, source = spec.split("=", 1)
        archive.file(path, read(source), 0o755)
    archive.file("bin/busybox", read(busybox), 0o755)
    archive.link("sbin/init", "/init")
    for path in applets(busybox):
        if path not in archive and path != "linuxrc":
            archive.link(path, "/bin/busybox")
    with open(out, "wb") as file:
        file.write(archive.bytes())


if __name__ == "__main__":
    main()
