#!/usr/bin/python3
"""secure_boot.py menu|menu-long|PART…: Secure Boot is on. What was signed starts, locked down, and nothing
else is started or believed; a refusal is said, and the firmware goes on."""
import os
import re
import shutil
import sys
import tempfile
from unittest import mock

import harness
from harness import Machine, Options, project
from menu import DOWN, ENTER, RESTARTS, Person, entry

from baton import keys, peer, qemu, volume
from baton.handoff import secure_boot
from baton.trust import efi_image, signing

GREETING = "Enter 'help'"
CODE = "/usr/share/OVMF/OVMF_CODE_4M.secboot.fd"
SETUP_MODE = "/usr/share/OVMF/OVMF_VARS_4M.fd"  # nobody's keys: whoever comes first enrols
MICROSOFT = "/usr/share/OVMF/OVMF_VARS_4M.ms.fd"  # as a PC is sold
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
        self.variables = secure_boot.VARIABLES  # the firmware's, in which keys are enrolled

    def files(self, **options):
        with project.build_in_use():
            return qemu.esp_files(Options(**options))

    def signed(self, signer=None, **options):
        return self.files(sign=signer or self.signer, **options)

    def machine(self, files, **more):
        image = os.path.join(self.folder, "disk.img")
        volume.write(image, files)
        return Machine(Options(image=image, firmware=f"{CODE},{self.variables}",
                               machine="q35" + secure_boot.MACHINE,
                               qemu=[secure_boot.FLASH, RESTARTS], watched=True, timeout=2 * harness.TIMEOUT,
                               **more))

    def keep_variables(self, machine, name):
        """As the firmware has them now: for the machines that follow."""
        self.variables = os.path.join(self.folder, name)
        shutil.copyfile(os.path.join(machine.folder, "variables.fd"), self.variables)

    def starts(self, files, name, act=lambda person: None, seconds=120):
        """It has to start; `act` is what a person does then."""
        with self.machine(files) as machine:
            person = Person(self.tap, machine, self.folder)
            if person.shell_of(1, name, seconds):
                act(person)

    def refuses(self, files, words, name, answer=b""):
        """It must not start; these words are said, a person answers, the firmware goes on."""
        log = os.path.join(self.folder, "log")
        with self.machine(files, log=log) as machine:
            def says(expected):
                text = project.read(log).decode("latin-1")
                return GREETING in text or words in text and expected in text[text.find(words):]

            machine.wait(lambda: says(words), 120)
            machine.type(answer)
            said = machine.wait(lambda: says(BACK), 60)
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


def linux_files():
    """The entry of a Linux, which starts by itself."""
    text = entry("Linux").decode().replace("/baton/kernel.elf", "/linux/vmlinuz")
    text = "".join(line + "\n" for line in text.splitlines() if not line.startswith("options"))
    return {"loader/entries/linux.conf": f"{text}options console=ttyS0 quiet panic=-1\n".encode(),
            "loader/loader.conf": b"default linux\ntimeout 0\n"}


LOOKS = "mount -t securityfs none /sys/kernel/security; cat /sys/kernel/security/lockdown"


def test_programs(volumes):
    """What the menu has the firmware start: Linux, unified images."""
    linux, files = project.read(peer.kernel()), linux_files()
    own = signing.signed(linux, *volumes.signer)
    volumes.starts(volumes.signed(files={**files, "linux/vmlinuz": own}),
                   "Debian's Linux, signed with our key", seconds=240,
                   act=lambda person: volumes.tap.check("[integrity]" in person.ask(LOOKS),
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


def commands(heading):
    """What `scripts/keys --help` has a person type, behind a word of its text: one line."""
    text = keys.__doc__[keys.__doc__.index(heading):]
    lines = re.search(r"(?:^    .*\n)+", text, re.MULTILINE)[0].replace("\\\n", "").splitlines()
    return "; ".join(line.strip() for line in lines).replace("do;", "do")


def owner_keys(volumes):
    """Keys that nobody has enrolled: their folder, and what signs with them."""
    folder = os.path.join(volumes.folder, "owner")
    if not os.path.exists(folder):
        keys.make(folder)
    return folder, [os.path.join(folder, f"db.{suffix}") for suffix in ("key", "pem")]


def authorized(folder, *names):
    return {f"keys/{name}.auth": os.path.join(folder, f"{name}.auth") for name in names}


def in_keys(command):
    """A command to a shell, in the volume's folder of keys."""
    return f"mkdir -p /tmp/esp; mount -t vfat -o ro /dev/vda1 /tmp/esp; cd /tmp/esp/keys; {command}"


def enrolled(volumes, files):
    """Nobody's keys are there: a person enrols theirs, in Baton, as the help says."""
    tap, (folder, _) = volumes.tap, owner_keys(volumes)
    volumes.variables = SETUP_MODE
    with volumes.machine({**files, **authorized(folder, *keys.NAMES)}) as machine:
        person = Person(tap, machine, volumes.folder)
        person.shell_of(1, "setup mode", 120)
        tap.equal(person.ask("cat /sys/kernel/security/lockdown"), "[none] integrity confidentiality",
                  "nothing is checked yet")
        said = person.ask(in_keys(commands("in setup mode can").replace("cd FOLDER; ", "")))
        tap.equal(said, "", "db, KEK and PK are taken by the firmware")
        person.restart()
        person.shell_of(2, "keys of one's own", 120)
        locked_down(volumes)(person)
        volumes.keep_variables(machine, "owned.fd")


def revoked(volumes, path, files, words, name):
    """`path` is revoked by a person in Baton; then `files` are refused with these words."""
    folder, signer = owner_keys(volumes)
    before = volumes.variables
    keys.revoke(folder, [path])
    with volumes.machine({**volumes.signed(signer), **authorized(folder, "dbx")}) as machine:
        person = Person(volumes.tap, machine, volumes.folder)
        person.shell_of(1, f"before {name} is revoked", 120)
        volumes.tap.equal(person.ask(in_keys(commands("makes dbx.auth"))), "", "the firmware takes it")
        volumes.keep_variables(machine, "revoked.fd")
    volumes.refuses(files, words, f"{name} was revoked: refused")
    volumes.variables = before


def test_owner(volumes):
    """Keys of one's own: enrolled, and what they then mean; revocation by dbx of a program, and of all that
    a certificate signed."""
    folder, signer = owner_keys(volumes)
    typed, unified = volumes.signed(signer), volumes.signed(signer, unified=True)
    others = volumes.variables
    enrolled(volumes, typed)
    volumes.starts(unified, "a unified image, signed with them")
    volumes.refuses(volumes.files(), DENIED, "not signed: the firmware refuses it")
    volumes.refuses(volumes.signed(), DENIED, "signed with keys that are not enrolled here: refused")
    changed = {**typed, qemu.KERNEL: one_bit(content(typed[qemu.KERNEL]))}
    volumes.refuses(changed, REFUSED, "one bit of the kernel: the loader refuses it")

    path = os.path.join(volumes.folder, "unified.efi")
    with open(path, "wb") as file:
        file.write(unified[signing.LOADER])
    revoked(volumes, path, unified, DENIED, "a unified image")
    settings = volumes.signed(signer, files={"loader/loader.conf": b"default unified*\ntimeout 0\n"})
    revoked(volumes, path, {**settings, UNIFIED: unified[signing.LOADER]},
            "unified.efi: Secure Boot is on", "a unified image in the menu")
    revoked(volumes, os.path.join(folder, "db.cer"), typed, DENIED, "the certificate")
    volumes.variables = others


def shim_path():
    return os.path.join(peer.files_of(["shim-signed"]), "usr", "lib", "shim", "shimx64.efi.signed")


def by_shim(files, shim):
    """A volume on which shim starts the loader."""
    return {**files, signing.LOADER: shim, "EFI/BOOT/grubx64.efi": files[signing.LOADER]}


def test_shim(volumes):
    """Debian's shim, which our key has signed beside Microsoft, starts the loader, and that the kernel."""
    shim = signing.signed(project.read(shim_path()), *volumes.signer)
    volumes.starts(by_shim(volumes.signed(), shim), "shim starts the loader, and that the kernel",
                   locked_down(volumes))


def of_generation(number):
    """What is signed meanwhile is of this generation."""
    return mock.patch.object(signing, "SBAT", signing.SBAT.replace("\nbaton,1,", f"\nbaton,{number},"))


def revocations(volumes):
    """The signed file by which shim learns that generation 1 is too old (shim's SBAT.md)."""
    level = b"sbat,1,2099010100\nbaton,2\n".ljust(64, b"\0")
    with of_generation(9):
        sections = [(".sbata", level), (".sbatl", level), (".sbat", signing.SBAT.encode())]
        plain = efi_image.with_sections(content(volumes.files()[signing.LOADER]), sections)
    return {"EFI/BOOT/revocations_sbat.efi": signing.signed(plain, *volumes.signer)}


def test_generation(volumes):
    """Revocation by SBAT: what shim was told, it asks of the loader, and the loader of what it starts."""
    shim = signing.signed(project.read(shim_path()), *volumes.signer)
    told, old = revocations(volumes), volumes.signed(unified=True)[signing.LOADER]
    volumes.refuses({**by_shim(volumes.signed(), shim), **told}, "Security Violation",
                    "shim was told that this generation is too old: it does not start it", ENTER)
    settings = {"loader/loader.conf": b"default unified*\ntimeout 0\n"}
    with of_generation(2):
        new, chooses = volumes.signed(), volumes.signed(files=settings)
    with volumes.machine({**by_shim(new, shim), **told}) as machine:
        Person(volumes.tap, machine, volumes.folder).shell_of(1, "the next generation starts", 120)
        volumes.keep_variables(machine, "told.fd")
    volumes.refuses({**chooses, UNIFIED: old}, 'generation of "baton" was revoked',
                    "without shim the loader asks what shim has kept")
    volumes.variables = secure_boot.VARIABLES


# What MOK manager says, and what a person answers who has put db.cer beside three folders.
ENROLS = (("Security Violation", [ENTER]), ("Press any key to perform MOK management", [ENTER]),
          ("Enroll key from disk", [DOWN, ENTER]), ("BATON", [ENTER]),
          ("db.cer", [DOWN, DOWN, DOWN, ENTER]), ("Continue", [DOWN, ENTER]), ("Yes", [DOWN, ENTER]),
          ("Reboot", [ENTER]))


def machine_owner_key(person):
    """Enrols a key of one's own at the serial line."""
    at = 0
    for words, keys_sent in ENROLS:
        if not person.machine.wait(lambda at=at, words=words: words in person.machine.log.text()[at:], 60):
            break
        at = len(person.machine.log.text())
        for key in keys_sent:
            person.machine.wait(lambda: False, 1)
            person.machine.type(key)
    return person.tap.check(words == ENROLS[-1][0], "MOK manager takes the key", *person.machine.log.tail())


def test_mok(volumes):
    """A PC as it is sold: Microsoft's keys. Debian's shim is believed, the loader is not until its key is
    the machine owner's; what the loader starts, shim is asked about."""
    folder, signer = owner_keys(volumes)
    manager = os.path.join(peer.files_of(["shim-helpers-amd64-signed"]), "usr/lib/shim/mmx64.efi.signed")
    shim = project.read(shim_path())
    volumes.variables = MICROSOFT
    volumes.refuses(volumes.signed(signer), DENIED, "Microsoft's keys, no shim: the firmware refuses it")
    files = {**by_shim(volumes.signed(signer), shim), "EFI/BOOT/mmx64.efi": manager,
             "db.cer": os.path.join(folder, "db.cer")}
    with volumes.machine(files) as machine:
        person = Person(volumes.tap, machine, volumes.folder)
        machine_owner_key(person)
        person.shell_of(2, "a machine owner's key", 120)
        locked_down(volumes)(person)
        volumes.keep_variables(machine, "mok.fd")
    unified = volumes.signed(signer, unified=True)
    volumes.starts(by_shim(unified, shim), "a unified image, by shim and the same key")
    settings = volumes.signed(signer, files={"loader/loader.conf": b"default unified*\ntimeout 0\n"})
    files = {**by_shim(settings, shim), UNIFIED: unified[signing.LOADER]}
    volumes.starts(files, "a unified image in the menu, which shim is asked about")
    volumes.refuses({**files, UNIFIED: one_bit(unified[signing.LOADER])}, "unified.efi: Secure Boot is on",
                    "one bit of it: refused")
    linux = volumes.signed(signer, files={**linux_files(), "linux/vmlinuz": peer.kernel()})
    volumes.starts(by_shim(linux, shim), "Debian's Linux as Debian signed it, by shim", seconds=240,
                   act=lambda person: volumes.tap.check("[integrity]" in person.ask(LOOKS), "locked down"))
    volumes.variables = secure_boot.VARIABLES


PARTS = {
    "menu": (test_short,),
    "menu-long": (test_altered, test_others, test_programs, test_shim, test_owner, test_generation,
                  test_mok),
}


def test(tap):
    with tempfile.TemporaryDirectory(prefix="baton-secure-boot-") as folder:
        volumes = Volumes(tap, folder)
        for name in sys.argv[1:]:
            for part in PARTS.get(name) or (globals()[f"test_{name}"],):
                part(volumes)


if __name__ == "__main__":
    sys.exit(harness.main(test))
