"""scripts/image: writes a disk image to put on a USB stick, or the stick itself.

A GPT with one EFI system partition (FAT32) that holds the loader, the boot entry, the kernel and
the root file system. OUT is a file, to be put on a stick with

    dd if=OUT.img of=/dev/sdX bs=1M conv=fsync

or the stick, /dev/sdX: then its name and size are shown, a person has to agree before anything is written,
and what was written is read again.

With --persist SIZE the root file system, with every --root laid over it, lies in a partition of its own
(squashfs) and is read as it is needed, so that a tree of several GB boots in 1 GiB of memory; what is changed
stays in another partition of that size (ext4), and SIZE 0 leaves it in memory. Without, all of it is
loaded into memory.

With --unified loader, kernel, options and root file system are one file, EFI/BOOT/BOOTX64.EFI (a unified
kernel image). With --sign KEY CERT, both in PEM, it starts with Secure Boot on, on machines that have the
certificate enrolled (scripts/keys makes one and says how): the loader is signed, and names the digests
of everything else that it believes.

With --cd it is a CD in place of a disk, with --sector 4096 one for a disk without smaller sectors (4Kn).

Without --sign turn Secure Boot off in the machine's firmware: a firmware that checks refuses what is not
signed with "Access Denied" or the like. A shell comes up on the machine's console; `poweroff`
switches it off.

The same sources and options give the same image, byte for byte: its dates are those of the last
commit, or what SOURCE_DATE_EPOCH says.
"""
import argparse
import os
import stat
import sys
import tempfile

from . import boot, device, machine, persist, project, qemu, volume

UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
PERSIST_MINIMUM = 8 << 20  # less is no file system for mke2fs


def size(text):
    """Bytes: a number, with K, M or G behind it."""
    digits = text.rstrip("KMG")
    if not digits.isdecimal() or text[len(digits):] not in UNITS:
        raise argparse.ArgumentTypeError("has to be a size: 512M, 4G")
    result = int(digits) * UNITS[text[len(digits):]]
    if result % volume.MEBIBYTE or 0 < result < PERSIST_MINIMUM:
        raise argparse.ArgumentTypeError("has to be whole MiB, 8M at least")
    return result


def parse(argv):
    parser = boot.Parser(
        prog="scripts/image", formatter_class=argparse.RawDescriptionHelpFormatter,
        usage="scripts/image OUT.img|/dev/sdX [options]", description=__doc__.partition(": ")[2])
    parser.add_argument("out", metavar="OUT")
    qemu.add_content_options(parser)
    parser.add_argument("--persist", metavar="SIZE", type=size,
                        help="read the root file system from the disk; SIZE for what is changed: 512M, 4G; 0")
    parser.add_argument("--cd", action="store_true", help="a CD in place of a disk (El Torito)")
    parser.add_argument("--unified", action="store_true", help="one file for everything")
    parser.add_argument("--sign", nargs=2, metavar=("KEY", "CERT"), help="sign for Secure Boot")
    parser.add_argument("--no-build", action="store_true", help="use what is built already")
    arguments = parser.parse_args(argv)
    if arguments.cd and arguments.persist is not None:
        parser.error("--persist: a CD has no partitions")
    return vars(arguments)


def write(out, cd, persists, arguments):
    """Writes the image to the file `out`."""
    options = qemu.Options(**arguments)
    readme = {"README.txt": persist.readme(persists is not None)}
    if cd:
        volume.write_cd(out, {**qemu.esp_files(options), **readme})
        return
    beside = os.path.dirname(os.path.abspath(out))
    with tempfile.TemporaryDirectory(prefix="baton-stick-", dir=beside) as folder:
        further = ()
        if persists is not None:
            stick = persist.Stick(folder, options.initrd or project.INITRD, options.root, persists,
                                  options.compress)
            options.root, options.servers = [], persist.PROGRAMS
            options.append = f"{options.append} {stick.options()}".strip()
            further = stick.partitions()
        volume.write(out, {**qemu.esp_files(options), **readme}, options.sector, further=further)


def is_disk(path):
    """Whether it is a disk rather than a file to be made. What is neither, under /dev, is a mistake."""
    if os.path.exists(path) and stat.S_ISBLK(os.stat(path).st_mode):
        return True
    if os.path.abspath(path).startswith("/dev/"):
        raise project.Failure(f"{path}: there is no such disk")
    return False


def main():
    arguments = parse(sys.argv[1:])
    out, cd, persists = (arguments.pop(name) for name in ("out", "cd", "persist"))
    del arguments["no_build"]
    try:
        disk = device.Disk(out) if is_disk(out) else None
        if disk and not disk.agreed():
            return machine.LOST
        with project.build_in_use(), tempfile.TemporaryDirectory(prefix="baton-image-") as folder:
            image = os.path.join(folder, "image") if disk else out
            write(image, cd, persists, arguments)
            if disk:
                disk.write(image)
        print(f"baton: {out}: {disk.written if disk else os.path.getsize(out) >> 20} MiB", file=sys.stderr)
    except (project.Failure, OSError) as error:
        print(f"baton: {project.explain(error)}", file=sys.stderr)
        return machine.LOST
    return 0


if __name__ == "__main__":
    sys.exit(main())
