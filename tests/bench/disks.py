#!/usr/bin/python3
"""disks.py PLUGIN DISK_IO: what a MiB read and written costs by each driver, in guest instructions, on
Baton and on Debian's Linux: Baton must not take more. And that a machine with all of them, and with USB
keyboards, takes no interrupts while nobody does anything."""
import os
import shutil
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "boot"))

import harness  # noqa: E402
from baton import peer  # noqa: E402

MIB = 32  # moved
# Not with icount: there time jumps while nobody has anything to do but wait for the host's disk, and each
# request would be late. With one processor the plugin's counts are exact all the same.
MACHINE = {"cpu": "max,la57=off,erms=off", "timeout": 900, "linux_from_disk": True}
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

# Interrupts, without those by which this program itself sleeps.
IDLE = r"""
interrupts() {
    awk '/^ *[0-9]+:/ { for (i = 2; $i ~ /^[0-9]+$/; i++) sum += $i } END { print sum + 0 }' /proc/interrupts
}
timers() { awk '/LOC:/ { print $2 }' /proc/interrupts; }
sleep 8
a=$(interrupts) b=$(timers)
sleep 10
c=$(timers) d=$(interrupts)
echo $((d - a)) $((c - b))
"""
TIMERS_MOST = 20  # in ten seconds: processes that begin and end, the sleep


def drives(folder):
    arguments = []
    for name, (_, devices) in DISKS.items():
        path = os.path.join(folder, name)
        with open(path, "wb") as file:
            file.truncate(64 << 20)
        arguments += [f"-drive if=none,id={name},format=raw,file={path}",
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
                          qemu=[*drives(folder), f"-plugin {plugin},out={counted}"])
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
        machine = harness.run(["busybox", "sh", "-c", IDLE], qemu=drives(folder), smp=2)
        words = machine.output.data.decode(errors="replace").split()
        good = machine.status == 0 and len(words) == 2
        tap.check(good and words[0] == "0" and int(words[1]) <= TIMERS_MOST,
                  "nothing interrupts a machine in which nothing happens", machine.output.data,
                  harness.describe(machine))


if __name__ == "__main__":
    sys.exit(harness.main(test))
