#!/usr/bin/python3
"""Boots with disks that lie: of the numbers that drivers read one in so many is another one (the
debug kernel's option `tamper`). Whoever reads and writes gets bytes or an error, in time; the kernel
goes on, and its memory comes back."""
import os
import sys
import tempfile

import harness
from disks import KINDS, MIB, table

ONE_IN = (300, 60, 12, 3)
# QEMU 7.2's AHCI writes how far a command came into its header, also when it has let go of the list with
# the headers meanwhile, because the port was stopped: address 4. No guest is to be blamed for that, and
# the case is run again, so often at most.
ATTEMPTS = 5
QEMU_CRASHED = "QEMU itself was ended by signal 11"
NAMES = ("virtio", "NVMe", "SATA", "SD")

SCRIPT = r"""
mount -t devtmpfs dev /dev
for round in 1 2 3; do
    for disk in $1 $2; do
        blockdev --setrw /dev/$disk 2> /dev/null
        timeout 60 dd if=/dev/$disk of=/dev/null bs=64k 2> /dev/null && echo read
        timeout 60 dd if=/dev/zero of=/dev/$disk bs=64k count=16 conv=fsync,notrunc 2> /dev/null && echo wrote
        timeout 60 blockdev --rereadpt /dev/$disk 2> /dev/null
    done
done
md5sum < /bin/busybox > /dev/null && echo alive
"""


def one(tap, name, one_in):
    devices, disk, block = KINDS[name]
    with tempfile.TemporaryDirectory() as folder:
        image = os.path.join(folder, "disk.img")
        root = os.path.join(folder, "root")
        os.mkdir(root)
        with open(image, "wb") as file:
            file.write(table(8 * MIB, block)[0])
        with open(os.path.join(root, "script"), "w", encoding="ascii") as file:
            file.write(SCRIPT)
        qemu = " ".join([f"-drive if=none,id=d,format=raw,file={image}",
                         *(f"-device {device}" for device in devices)])
        for _ in range(ATTEMPTS):
            machine = harness.run(["busybox", "sh", "/script", disk, "vda"], debug_kernel=True, root=[root],
                                  qemu=[qemu], append=f"tamper={one_in}")
            if machine.cause != QEMU_CRASHED:
                break
            tap.note(f"{name}, one lie in {one_in}: {QEMU_CRASHED}")
    tap.check(machine.status == 0 and b"alive" in machine.output.data,
              f"{name}, one lie in {one_in}", harness.describe(machine),
              *machine.output.data.decode(errors="replace").splitlines(), *machine.log.tail(20))


def test(tap):
    for name in sys.argv[1:] or NAMES:
        for one_in in ONE_IN:
            one(tap, name, one_in)


if __name__ == "__main__":
    harness.main(test)
