#!/usr/bin/python3
"""disks.py PLUGIN DISK_IO: what a MiB read and written costs by each driver, in guest instructions, on
Baton and on Debian's Linux: Baton must not take more."""
import os
import shutil
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "boot"))

import harness  # noqa: E402
from baton import peer  # noqa: E402

MIB = 32  # moved
# Time goes with the instructions (-icount), so that a tick of the timer comes as often on each host; but it
# must not jump while nobody has anything to do but wait for a disk (sleep=on), or each request would be late.
MACHINE = {"cpu": "max,la57=off,erms=off", "timeout": 900, "linux_from_disk": True}
COUNTED = "-icount shift=0,sleep=on"
# What is called how, and what QEMU is asked for.
DISKS = {
    "virtio": ("vdb", ["virtio-blk-pci,drive=virtio"]),
    "NVMe": ("nvme0n1", ["nvme,drive=NVMe,serial=1"]),
    "SATA": ("sda", ["ahci,id=extra", "ide-hd,bus=extra.0,drive=SATA"]),
    "USB": ("sdb", ["qemu-xhci,id=usb", "usb-storage,bus=usb.0,drive=USB", "usb-kbd,bus=usb.0"]),
    "SD": ("mmcblk0", ["sdhci-pci", "sd-card,drive=SD"]),
}
OPERATIONS = ("read", "write")

SCRIPT = r"""
for module in /modules/*.ko; do [ ! -e $module ] || insmod $module; done
for disk in $1; do
    until [ -b /dev/$disk ]; do sleep 0.1; done
    blockdev --setrw /dev/$disk
    for operation in read write; do
        /disk_io /dev/$disk $2 $operation || echo "$disk: $operation fails"
    done
done
"""


def drives():
    """Disks that answer at once."""
    arguments = []
    for name, (_, devices) in DISKS.items():
        arguments += [f"-drive if=none,id={name},driver=null-co,size=64M,read-zeroes=on",
                      *(f"-device {device}" for device in devices)]
    return arguments


def sections(path):
    """The instructions that were run in each."""
    result = []
    with open(path, encoding="ascii") as file:
        for line in file:
            words = line.split()
            if words[0] == "section":
                result.append(0)
            elif result and words[0] != "group":
                result[-1] += int(words[1])
    return result


def measure(tap, kernel, folder, root, plugin):
    """{(driver, operation): instructions a MiB}, or {}."""
    options = {"root": [root]}
    if kernel == "linux":
        vmlinuz, modules = peer.pc_kernel()
        options = {"root": [root, modules], "linux": vmlinuz}
    counted = os.path.join(folder, "counted")
    disks = " ".join(disk for disk, _ in DISKS.values())
    machine = harness.run(["busybox", "sh", "/script", disks, str(MIB)], kernel=kernel, **MACHINE, **options,
                          qemu=[COUNTED, *drives(), f"-plugin {plugin},out={counted}"])
    made = sections(counted) if os.path.exists(counted) else []
    good = machine.status == 0 and not machine.output.data and len(made) == len(DISKS) * len(OPERATIONS)
    tap.check(good, f"{kernel}: reads and writes all disks", harness.describe(machine),
              machine.output.data.decode(errors="replace"))
    keys = [(name, operation) for name in DISKS for operation in OPERATIONS]
    return {key: round(count / MIB) for key, count in zip(keys, made)} if good else {}


def test(tap):
    plugin, program = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        root = os.path.join(folder, "root")
        os.mkdir(root)
        shutil.copy(program, os.path.join(root, "disk_io"))
        with open(os.path.join(root, "script"), "w", encoding="ascii") as file:
            file.write(SCRIPT)
        baton, linux = (measure(tap, kernel, folder, root, plugin) for kernel in ("baton", "linux"))
        for key in baton:
            own, peers = baton[key], linux.get(key, 0)
            tap.note(f"{key[0]:7} {key[1]:6} a MiB: {own:9,} on Baton, {peers:9,} on Linux")
        for key in baton:
            tap.check(baton[key] <= linux.get(key, 0),
                      f"{key[0]}: a MiB {key[1]} costs no more than on Linux",
                      f"{baton[key]:,}, on Linux {linux.get(key, 0):,}")


if __name__ == "__main__":
    sys.exit(harness.main(test))
