#!/usr/bin/python3
"""Boots one machine a row and runs exec_basic in it.

usage: matrix.py [--kernel linux] ROW...

A row is a name of the table below, or options of baton.qemu.Options joined by commas:
memory=128M, machine=pc,media=sata. A firmware is one of that table, or a file (CODE;VARS).
"""
import argparse
import contextlib
import os
import sys

import harness
from tpm import emulated_tpm

from baton import network

OVMF = "/usr/share/OVMF/OVMF_"
FIRMWARE = {
    "OVMF": "/usr/share/ovmf/OVMF.fd",  # as Debian has it, with its wait for a TPM
    "OVMF_4M": f"{OVMF}CODE_4M.fd,{OVMF}VARS_4M.fd",
    "OVMF_2M": f"{OVMF}CODE.fd,{OVMF}VARS.fd",
    "OVMF_secboot": f"{OVMF}CODE_4M.secboot.fd,{OVMF}VARS_4M.fd",
    "U-Boot": "/usr/lib/u-boot/qemu-x86_64/u-boot.rom",
}


def card(device):
    return {"qemu": [f"-device {device}"]}


SMM = "-global driver=cfi.pflash01,property=secure,value=on"
# U-Boot scans the built-in AHCI alone.
AHCI = "-device ide-hd,bus=ide.0,drive=disk"
ROWS = {
    # firmware
    "secboot with SMM": {"firmware": "OVMF_secboot", "machine": "q35,smm=on", "qemu": [SMM]},
    "secboot with SMM, 4 processors": {"firmware": "OVMF_secboot", "machine": "q35,smm=on", "smp": 4,
                                       "qemu": [SMM]},
    "U-Boot on pc": {"firmware": "U-Boot", "machine": "pc"},
    "U-Boot on q35": {"firmware": "U-Boot", "media": "none", "qemu": [AHCI]},
    "TPM behind TIS": {"firmware": "OVMF_4M", "tpm": "tpm-tis"},
    "TPM behind CRB": {"firmware": "OVMF_4M", "tpm": "tpm-crb"},
    "TPM and secboot with SMM": {"firmware": "OVMF_secboot", "machine": "q35,smm=on", "qemu": [SMM],
                                 "tpm": "tpm-crb"},
    # an unpacker that needs SSE, which U-Boot leaves off; two ways of page tables
    "U-Boot, compressed": {"firmware": "U-Boot", "machine": "pc", "compress": "zstd"},
    "five levels, compressed": {"cpu": "max,la57=on", "memory": "4G", "compress": "xz"},
    "secboot with SMM, compressed": {"firmware": "OVMF_secboot", "machine": "q35,smm=on", "qemu": [SMM],
                                     "compress": "gzip"},
    # media and networks; where Debian's ipxe is not installed, its row is left out
    "CD": {"media": "cd"},
    "CD on pc": {"media": "cd", "machine": "pc"},
    **{f"4Kn {media}": {"media": media, "sector": 4096} for media in ("virtio", "nvme", "usb")},
    "PXE": {"media": "pxe"},
    "PXE on pc, compressed": {"media": "pxe", "machine": "pc", "compress": "xz"},
    "HTTP boot": {"media": "http"},
    "HTTP boot of an image": {"media": "http-image"},
    "iPXE": {"media": "ipxe"},
    # memory
    "3G": {"memory": "3G"},
    "64G": {"memory": "64G", "machine": "q35,memory-backend=ram", "qemu": [
        "-object memory-backend-ram,id=ram,size=64G,reserve=off"]},
    "two nodes": {"smp": 2, "memory": "1G", "qemu": [
        "-object memory-backend-ram,id=a,size=512M -object memory-backend-ram,id=b,size=512M "
        "-numa node,memdev=a,cpus=0 -numa node,memdev=b,cpus=1"]},
    "a DIMM behind a hole": {"memory": "512M,slots=2,maxmem=8G", "qemu": [
        "-object memory-backend-ram,id=d,size=1G -device pc-dimm,memdev=d"]},
    "a persistent DIMM": {"machine": "q35,nvdimm=on", "memory": "512M,slots=2,maxmem=8G", "qemu": [
        "-object memory-backend-ram,id=n,size=128M -device nvdimm,memdev=n"]},
    # what is not there
    "no HPET": {"machine": "q35,hpet=off"},
    "no HPET on pc": {"machine": "pc,hpet=off"},
    "no i8042": {"machine": "q35,i8042=off"},
    "no PIC": {"machine": "q35,pic=off"},
    "no PIT": {"machine": "q35,pit=off"},
    "no ACPI": {"machine": "q35,acpi=off"},
    # OVMF does not start on pc without ACPI: its timer is the PM timer. U-Boot answers
    # EfiResetShutdown, which is all there is then, with a reset.
    "no ACPI, U-Boot on pc": {"firmware": "U-Boot", "machine": "pc,acpi=off", "power_off": "reset"},
    "no ACPI, U-Boot on q35": {"firmware": "U-Boot", "machine": "q35,acpi=off", "media": "none",
                               "qemu": [AHCI], "power_off": "reset"},
    "neither ACPI nor PIC": {"machine": "q35,acpi=off,pic=off"},
    # processors
    "five levels of page tables": {"cpu": "max,la57=on", "memory": "4G"},
    "five levels, 4 processors": {"cpu": "max,la57=on", "memory": "4G", "smp": 4},
    "x2APIC": {"cpu": "max,x2apic=on", "smp": 4},
    **{f"{name}, 2 processors": {"cpu": name, "smp": 2} for name in (
        "kvm64", "core2duo", "phenom", "Opteron_G1", "Opteron_G5", "Westmere", "Denverton",
        "Skylake-Server", "Icelake-Server", "EPYC", "EPYC-Milan", "Conroe", "Penryn", "SandyBridge",
        "IvyBridge", "Broadwell", "Skylake-Client", "Cascadelake-Server", "Cooperlake", "KnightsMill",
        "Snowridge", "Opteron_G2", "Opteron_G3", "Opteron_G4", "EPYC-Rome", "Dhyana")},
    **{f"without {name}": {"cpu": "max,-" + name.replace(" ", ",-")} for name in (
        "x2apic", "pge", "pat", "mtrr", "xsave", "rdrand rdseed", "smep smap umip", "mce mca",
        "tsc-deadline invtsc")},
    # screens
    **{name: card(name) for name in ("VGA", "bochs-display", "virtio-vga", "virtio-gpu-pci", "qxl-vga",
                                     "ramfb", "cirrus-vga", "vmware-svga", "secondary-vga")},
    "two screens": {"qemu": ["-device VGA -device bochs-display"]},
}


def options_of(row):
    options = dict(ROWS[row]) if row in ROWS else dict(pair.split("=", 1) for pair in row.split(","))
    if "firmware" in options:
        options["firmware"] = FIRMWARE.get(options["firmware"], options["firmware"]).replace(";", ",")
    return options


def power_off_of(row):
    """How a machine ends that is powered off (Machine.ended_itself)."""
    return options_of(row).get("power_off", "powered off")


@contextlib.contextmanager
def options_for_machine(row):
    """The options for one machine, with what has to run beside it."""
    options = options_of(row)
    options.pop("power_off", None)
    tpm = options.pop("tpm", None)
    with emulated_tpm(tpm) if tpm else contextlib.nullcontext([]) as more:
        yield dict(options, qemu=[*options.get("qemu", []), *more])


def files_are_there(tap, row):
    """Files of packages that may not be installed. Else the row is skipped."""
    options = options_of(row)
    needed = [options.get("firmware", "").partition(",")[0], network.IPXE * (options.get("media") == "ipxe")]
    for path in filter(None, needed):
        if not os.path.exists(path):
            tap.skip(row, f"there is no {path}")
            return False
    return True


def command_for(row):
    """exec_basic; where there is a TPM, the firmware has to have found it."""
    if "tpm" in options_of(row):
        return ["sh", "-c", "test -e /sys/firmware/acpi/tables/TPM2 && exec /bin/exec_basic"]
    return ["/bin/exec_basic"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--kernel", default="baton")
    parser.add_argument("rows", nargs="+", metavar="ROW")
    arguments = parser.parse_args()

    def test(tap):
        for row in arguments.rows:
            if not files_are_there(tap, row):
                continue
            with options_for_machine(row) as options:
                machine = harness.run(command_for(row), plain=True, kernel=arguments.kernel, **options)
            ends = power_off_of(row)
            ended = (machine.status, machine.cause) == (0, None) if ends == "powered off" else \
                machine.ended_itself == ends
            passed = ended and not machine.error.data and bytes(machine.output.data) == b"EXEC_OK\n"
            tap.check(passed, f"{row}: exec_basic runs, powering off: {ends}",
                      harness.describe(machine), harness.shorten(machine.output.data))

    harness.main(test)


if __name__ == "__main__":
    sys.exit(main())
