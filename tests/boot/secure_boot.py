#!/usr/bin/python3
"""secure_boot.py menu|menu-long|PART…: Secure Boot is on. What was signed starts, locked down, and nothing
else is started or believed; a refusal is said, and the firmware goes on."""
import os
import sys
import tempfile

import harness
from harness import Machine, Options, project
from menu import RESTARTS, Person, entry

from baton import keys, peer, qemu, volume
from baton.handoff import secure_boot
from baton.trust import efi_image, signing

GREETING = "Enter 'help'"
FIRMWARE = f"/usr/share/OVMF/OVMF_CODE_4M.secboot.fd,{secure_boot.VARIABLES}"
DENIED = "Access Denied"  # what the firmware says
REFUSED = "Secure Boot is on"  # what the loader says
BACK = "BdsDxe: failed to"  # the firmware goes on to the next of its boot options
UNIFIED = "EFI/Linux/unified.efi"


def one_bit(data, at=None):
    """The same with one bit changed, in the middle, or at a place."""
    data = bytearray(data)
    data[len(data) // 2 if at is None else at] ^= 1
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

    def signed(self, signer=None, **options):
        return self.files(sign=signer or self.signer, **options)

    def machine(self, files, **more):
        image = os.path.join(self.folder, "disk.img")
        volume.write(image, files)
        return Machine(Options(image=image, firmware=FIRMWARE, machine="q35" + secure_boot.MACHINE,
                               qemu=[secure_boot.FLASH, RESTARTS], watched=True, timeout=2 * harness.TIMEOUT,
                               **more))

    def starts(self, files, name, act=lambda person: None, seconds=120):
        """It has to start; `act` is what a person does then."""
        with self.machine(files) as machine:
            person = Person(self.tap, machine, self.folder)
            if person.shell_of(1, name, seconds):
                act(person)

    def refuses(self, files, words, name, then=BACK):
        """It must not start; these words are said, and then those."""
        log = os.path.join(self.folder, "log")
        with self.machine(files, log=log) as machine:
            def ended():
                text = project.read(log).decode("latin-1")
                return GREETING in text or then in text[text.find(words):] and words in text

            said = machine.wait(ended, 120)
            self.tap.check(said and GREETING not in machine.log.text(), name, *machine.log.tail())


def locked_down(volumes):
    """What a locked kernel does: kernel_lockdown(7)."""
    def look(person):
        volumes.tap.equal(person.ask("cat /sys/kernel/security/lockdown"), "none [integrity] confidentiality",
                          "the kernel is locked down")
        answer = person.ask("mknod /tmp/mem c 1 1; dd if=/tmp/mem of=/dev/null bs=1 count=1; echo $?")
        volumes.tap.check("Operation not permitted" in answer and answer.endswith("1"),
                          "nobody opens /dev/mem", answer)
        answer = person.ask("dmesg | grep 'locked down'")
        volumes.tap.check("Kernel is locked down from EFI Secure Boot" in answer, "the log says why", answer)
    return look


def test_short(volumes):
    typed, unified = volumes.signed(), volumes.signed(unified=True)
    volumes.tap.equal(list(unified), [signing.LOADER], "a unified kernel image is one file")
    volumes.starts(typed, "signed, with entries", locked_down(volumes))
    volumes.starts(unified, "signed and unified")
    changed = {**typed, qemu.KERNEL: one_bit(content(typed[qemu.KERNEL]))}
    volumes.refuses(changed, REFUSED, "one bit of the kernel: the loader refuses it")
    volumes.refuses(volumes.files(), DENIED, "not signed: the firmware refuses it")


def test_altered(volumes):
    """One bit of each thing that was signed."""
    typed, unified = volumes.signed(), volumes.signed(unified=True)
    options = content(typed[qemu.ENTRY]).index(b"options ") + 9
    for name, changed in (("initrd", {qemu.INITRD: one_bit(content(typed[qemu.INITRD]))}),
                          ("entry", {qemu.ENTRY: one_bit(content(typed[qemu.ENTRY]))}),
                          ("entry's options", {qemu.ENTRY: one_bit(content(typed[qemu.ENTRY]), options)})):
        volumes.refuses({**typed, **changed}, REFUSED, f"one bit of the {name}: the loader refuses it")
    more = {**typed, "loader/entries/a.conf": content(typed[qemu.ENTRY]) + b"sort-key a\n",
            "loader/loader.conf": b"default a\ntimeout 0\n"}
    volumes.refuses(more, "a.conf: Secure Boot is on", "an entry that was added: refused")
    volumes.refuses({**typed, signing.LOADER: one_bit(typed[signing.LOADER])}, DENIED,
                    "one bit of the loader: the firmware refuses it")
    image = unified[signing.LOADER]
    inside = image.index(content(typed[qemu.ENTRY])[options:options + 12])
    for name, at in (("the unified image", None), ("its options", inside)):
        volumes.refuses({signing.LOADER: one_bit(image, at)}, DENIED,
                        f"one bit of {name}: the firmware refuses it")
    appended = efi_image.with_sections(image, [(".initrd", b"x")])
    volumes.refuses({signing.LOADER: appended}, DENIED, "a section that was added: refused")


def test_others(volumes):
    """Signed by somebody else."""
    folder = os.path.join(volumes.folder, "others")
    keys.make(folder)
    other = [os.path.join(folder, f"db.{suffix}") for suffix in ("key", "pem")]
    volumes.refuses(volumes.signed(other), DENIED, "entries signed with another key: refused")
    volumes.refuses(volumes.signed(other, unified=True), DENIED, "a unified image of another key: refused")


def test_programs(volumes):
    """What the menu has the firmware start: Linux, unified images."""
    linux = project.read(peer.kernel())
    text = entry("Linux").decode().replace("/baton/kernel.elf", "/linux/vmlinuz")
    text = "".join(line + "\n" for line in text.splitlines() if not line.startswith("options"))
    files = {"loader/entries/linux.conf": f"{text}options console=ttyS0 quiet panic=-1\n".encode(),
             "loader/loader.conf": b"default linux\ntimeout 0\n"}
    own = signing.signed(linux, *volumes.signer)
    look = "mount -t securityfs none /sys/kernel/security; cat /sys/kernel/security/lockdown"
    volumes.starts(volumes.signed(files={**files, "linux/vmlinuz": own}),
                   "Debian's Linux, signed with our key", seconds=240,
                   act=lambda person: volumes.tap.check("[integrity]" in person.ask(look),
                                                        "locked down as well"))
    volumes.refuses(volumes.signed(files={**files, "linux/vmlinuz": linux}),
                    "vmlinuz: Secure Boot is on, and nobody it trusts has signed this file",
                    "Linux with Debian's signature alone: refused")
    unified = volumes.signed(unified=True)[signing.LOADER]
    settings = {"loader/loader.conf": b"default unified*\ntimeout 0\n"}
    volumes.starts({**volumes.signed(files=settings), UNIFIED: unified},
                   "a signed unified image, from the menu")
    volumes.refuses({**volumes.signed(files=settings), UNIFIED: one_bit(unified)},
                    "unified.efi: Secure Boot is on", "one bit of it: refused")


def test_shim(volumes):
    """Debian's shim, which our key has signed beside Microsoft, starts the loader, and that the kernel."""
    folder = os.path.join(peer.files_of(["shim-signed"]), "usr", "lib", "shim")
    shim = signing.signed(project.read(os.path.join(folder, "shimx64.efi.signed")), *volumes.signer)
    typed = volumes.signed()
    volumes.starts({**typed, signing.LOADER: shim, "EFI/BOOT/grubx64.efi": typed[signing.LOADER]},
                   "shim starts the loader, and that the kernel", locked_down(volumes))


PARTS = {
    "menu": (test_short,),
    "menu-long": (test_altered, test_others, test_programs, test_shim),
}


def test(tap):
    with tempfile.TemporaryDirectory(prefix="baton-secure-boot-") as folder:
        volumes = Volumes(tap, folder)
        for name in sys.argv[1:]:
            for part in PARTS.get(name) or (globals()[f"test_{name}"],):
                part(volumes)


if __name__ == "__main__":
    sys.exit(harness.main(test))
