"""scripts/image: writes a disk image to put on a USB stick.

A GPT with one EFI system partition (FAT32) that holds the loader, the boot entry, the kernel and
the root file system. Put it on a stick with

    dd if=OUT.img of=/dev/sdX bs=1M conv=fsync

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
import sys

from . import boot, machine, project, qemu, volume


def parse(argv):
    parser = boot.Parser(
        prog="scripts/image", formatter_class=argparse.RawDescriptionHelpFormatter,
        usage="scripts/image OUT.img [options]", description=__doc__.partition(": ")[2])
    parser.add_argument("out", metavar="OUT.img")
    qemu.add_content_options(parser)
    parser.add_argument("--cd", action="store_true", help="a CD in place of a disk (El Torito)")
    parser.add_argument("--unified", action="store_true", help="one file for everything")
    parser.add_argument("--sign", nargs=2, metavar=("KEY", "CERT"), help="sign for Secure Boot")
    parser.add_argument("--no-build", action="store_true", help="use what is built already")
    return vars(parser.parse_args(argv))


def main():
    arguments = parse(sys.argv[1:])
    out = arguments.pop("out")
    cd = arguments.pop("cd")
    del arguments["no_build"]
    try:
        with project.build_in_use():
            options = qemu.Options(**arguments)
            if cd:
                volume.write_cd(out, qemu.esp_files(options))
            else:
                volume.write(out, qemu.esp_files(options), options.sector)
    except (project.Failure, OSError) as error:
        print(f"baton: {project.explain(error)}", file=sys.stderr)
        return machine.LOST
    print(f"baton: {out}: {os.path.getsize(out) >> 20} MiB", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
