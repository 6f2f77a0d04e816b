#!/usr/bin/python3
"""secure_boot.py menu|menu-long: Secure Boot is on. What was signed starts, and nothing else is started
or believed."""
import os
import sys
import tempfile

import harness
from harness import Machine, Options, project

from baton import qemu, volume
from baton.handoff import secure_boot
from baton.trust import efi_image, signing

GREETING = "Enter 'help'"
FIRMWARE = f"/usr/share/OVMF/OVMF_CODE_4M.secboot.fd,{secure_boot.VARIABLES}"
DENIED = "Access Denied"  # what the firmware says


def one_bit(data):
    """The same with one bit changed, in the middle."""
    data = bytearray(data)
    data[len(data) // 2] ^= 1
    return bytes(data)


def content(source):
    return source if isinstance(source, bytes) else project.read(source)


class Volumes:
    """Signed files, and machines that are started with them."""

    def __init__(self, tap, folder):
        self.tap, self.folder = tap, folder
        self.signer = [secure_boot.unlocked_key(folder), secure_boot.CERTIFICATE]

    def files(self, **options):
        with project.build_in_use():
            return qemu.esp_files(Options(**options))

    def signed(self, **options):
        return self.files(sign=self.signer, **options)

    def starts(self, files, wanted, name, refused=None):
        """Starts it; `wanted` has to be in the log, `refused` not."""
        image = os.path.join(self.folder, "disk.img")
        volume.write(image, files)
        options = Options(image=image, firmware=FIRMWARE, machine="q35" + secure_boot.MACHINE,
                          qemu=[secure_boot.FLASH], watched=True, timeout=harness.TIMEOUT)
        with Machine(options) as machine:
            found = machine.wait(lambda: wanted in machine.log.text(), 120)
            self.tap.check(found and not (refused and refused in machine.log.text()), name,
                           *machine.log.tail())


def test_short(volumes):
    typed, unified = volumes.signed(), volumes.signed(unified=True)
    volumes.tap.equal(list(unified), [signing.LOADER], "a unified kernel image is one file")
    volumes.starts(typed, GREETING, "signed, with entries: it starts")
    volumes.starts(unified, GREETING, "signed and unified: it starts")
    changed = {**typed, qemu.KERNEL: one_bit(content(typed[qemu.KERNEL]))}
    volumes.starts(changed, "Secure Boot is on", "one bit of the kernel: the loader refuses it", GREETING)
    volumes.starts(volumes.files(), DENIED, "not signed: the firmware refuses it", GREETING)


def test_long(volumes):
    typed, unified = volumes.signed(), volumes.signed(unified=True)
    for name in (qemu.INITRD, qemu.ENTRY):
        changed = {**typed, name: one_bit(content(typed[name]))}
        volumes.starts(changed, "Secure Boot is on", f"one bit of {name}: the loader refuses it", GREETING)
    more = {**typed, "loader/entries/a.conf": content(typed[qemu.ENTRY]) + b"sort-key a\n",
            "loader/loader.conf": b"default a\n"}
    volumes.starts(more, "a.conf: Secure Boot is on", "an entry that was added: refused", GREETING)
    volumes.starts({**typed, signing.LOADER: one_bit(typed[signing.LOADER])}, DENIED,
                   "one bit of the loader: the firmware refuses it", GREETING)
    volumes.starts({signing.LOADER: one_bit(unified[signing.LOADER])}, DENIED,
                   "one bit of the unified image: the firmware refuses it", GREETING)
    appended = efi_image.with_sections(unified[signing.LOADER], [(".initrd", b"x")])
    volumes.starts({signing.LOADER: appended}, DENIED, "a section that was added: refused", GREETING)


def test(tap):
    with tempfile.TemporaryDirectory(prefix="baton-secure-boot-") as folder:
        {"menu": test_short, "menu-long": test_long}[sys.argv[1]](Volumes(tap, folder))


if __name__ == "__main__":
    sys.exit(harness.main(test))
