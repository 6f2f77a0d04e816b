#!/usr/bin/python3
"""measured_boot.py: what is measured into a TPM (swtpm) before the kernel runs. Its PCRs have to be what is
computed here from the files alone; the event log that the kernel hands on has to replay to them. Linux is
started by Baton's loader and by Debian's systemd-boot: the same formulas hold for both."""
import base64
import hashlib
import os
import re
import struct
import subprocess
import sys
import tempfile

import harness
from harness import Machine, Options, project
from menu import Person
from tpm import new_tpm

from baton import qemu, volume
from baton.trust import efi_image, signing

FIRMWARE = "/usr/share/OVMF/OVMF_CODE_4M.fd,/usr/share/OVMF/OVMF_VARS_4M.fd"
LOG = "/sys/kernel/security/tpm0/binary_bios_measurements"
BANKS = ("sha1", "sha256")
# tpm2_eventlog 5.4 expects EV_IPL in GRUB's PCRs and shim's, not in the one that systemd-stub has it in.
NOT_GRUBS = re.compile(r"^WARN: Event \d+ is \w+ not extending either PCR 8, 9, 12 or 14\n", re.M)
SECTIONS = (".linux", ".osrel", ".cmdline", ".initrd", ".uname", ".sbat")  # UAPI.5's order


def content(source):
    return source if isinstance(source, bytes) else project.read(source)


def utf16(text):
    return (text + "\0").encode("utf-16-le")


def padded(data):
    return data + bytes(-len(data) % 4)


def partition_table(disk):
    """UEFI_GPT_DATA (PC Client Platform Firmware Profile, 10.4.5.2): header, and entries that are used."""
    header = disk[512:512 + 92]
    entries = [disk[at:at + 128] for at in range(1024, 1024 + 128 * 128, 128)]
    used = [entry for entry in entries if any(entry[:16])]
    return header + struct.pack("<Q", len(used)) + b"".join(used)


def extended(bank, measured):
    value = bytes(hashlib.new(bank).digest_size)
    for data in measured:
        value = hashlib.new(bank, value + hashlib.new(bank, data).digest()).digest()
    return value.hex()


# What OVMF measures around it (PC Client Platform Firmware Profile, 3.3.4.5 and 3.3.4.6).
SEPARATOR = bytes(4)
BEGIN = b"Calling EFI Application from Boot Option"
END = (b"Exit Boot Services Invocation", b"Exit Boot Services Returned with Success")


def values(entry, key):
    return [line.split(None, 1)[1] for line in entry.decode().splitlines() if line.split()[:1] == [key]]


def expected_of_typed(files, disk):
    """The measurements by PCR of an entry of type 1."""
    entry = content(files[qemu.ENTRY])
    archives = [content(files[name.lstrip("/")]) for name in values(entry, "initrd")]
    settings = [content(files[name]) for name in ("loader/loader.conf",) if name in files]
    loader = efi_image.signed_bytes(content(files[signing.LOADER]))
    return {4: [BEGIN, SEPARATOR, loader, content(files[qemu.KERNEL])],
            5: [SEPARATOR, partition_table(disk), *settings, entry, *END],
            9: [b"".join(map(padded, archives))],
            11: [],
            12: [utf16(" ".join(values(entry, "options")))]}


def expected_of_unified(files, typed, disk):
    entry = content(typed[qemu.ENTRY])
    archives = [content(typed[name.lstrip("/")]) for name in values(entry, "initrd")]
    parts = {".linux": [content(typed[qemu.KERNEL])], ".initrd": archives,
             ".cmdline": [" ".join(values(entry, "options")).encode()], ".sbat": [signing.SBAT.encode()],
             ".osrel": [signing.OS_RELEASE.encode()], ".uname": [signing.RELEASE.encode()]}
    sections = [data for name in SECTIONS for part in parts[name] for data in (name.encode() + b"\0", part)]
    return {4: [BEGIN, SEPARATOR, efi_image.signed_bytes(files[signing.LOADER])],
            5: [SEPARATOR, partition_table(disk), *END], 9: [], 11: sections, 12: []}


class Bench:
    """Machines with a TPM and a disk of these files."""

    def __init__(self, tap, folder):
        self.tap, self.folder = tap, folder

    def disk(self, files):
        path = os.path.join(self.folder, "disk.img")
        volume.write(path, files)
        return path

    def pcrs(self, chip):
        """When QEMU was killed."""
        return {bank: {pcr: value.hex() for pcr, value in enumerate(chip.pcrs(bank))} for bank in BANKS}

    def boots(self, files, device, act=lambda person: None, seconds=120):
        """Starts it, up to the shell. Returns the PCRs, and what `act` does with the shell."""
        options = {"image": self.disk(files), "firmware": FIRMWARE, "watched": True,
                   "timeout": harness.TIMEOUT}
        with new_tpm(device) as chip:
            with Machine(Options(qemu=chip.arguments, **options)) as machine:
                person = Person(self.tap, machine, self.folder)
                result = act(person) if person.shell_of(1, device, seconds) else None
            return self.pcrs(chip), result

    def compare(self, name, pcrs, expected):
        for bank in BANKS:
            empty = bytes(hashlib.new(bank).digest_size).hex()
            self.tap.equal({pcr: pcrs[bank][pcr] for pcr in expected},
                           {pcr: extended(bank, measured) if measured else empty
                            for pcr, measured in expected.items()},
                           f"{name}: PCRs {sorted(expected)}, {bank}: computed from the files")

    def replay(self, name, log, pcrs):
        path = os.path.join(self.folder, "event-log")
        with open(path, "wb") as file:
            file.write(log)
        ended = subprocess.run(["tpm2_eventlog", path], capture_output=True, text=True, check=False)
        said = NOT_GRUBS.sub("", ended.stderr)
        self.tap.check(ended.returncode == 0 and not said, f"{name}: tpm2_eventlog does not complain",
                       ended.returncode, said)
        for bank in BANKS:
            told = re.search(rf"^  {bank}:\n((?:    \d+ *: 0x[0-9a-f]+\n)+)", ended.stdout, re.M)
            replayed = dict(re.findall(r"(\d+) *: 0x([0-9a-f]+)", told[1])) if told else {}
            self.tap.equal(replayed, {pcr: pcrs[bank][int(pcr)] for pcr in replayed},
                           f"{name}: the log replays to what the TPM has, {bank}")
            self.tap.check({"0", "4", "5", "7"} <= replayed.keys(), f"{name}: the firmware's PCRs are in it")


def log_of(person):
    """The event log, out of the machine."""
    return base64.b64decode(person.ask(f"base64 {LOG}"))


def test_typed(bench):
    with project.build_in_use():
        files = qemu.esp_files(Options(files={"loader/loader.conf": b"editor no\n"}))
    pcrs, log = bench.boots(files, "tpm-crb", act=log_of)
    bench.compare("an entry", pcrs, expected_of_typed(files, project.read(bench.disk(files))))
    bench.replay("an entry", log or b"", pcrs)


def test_unified(bench):
    with project.build_in_use():
        typed = qemu.esp_files(Options())
        files = qemu.esp_files(Options(unified=True))
    pcrs, log = bench.boots(files, "tpm-tis", act=log_of)
    bench.compare("a unified kernel image", pcrs,
                  expected_of_unified(files, typed, project.read(bench.disk(files))))
    bench.replay("a unified kernel image", log or b"", pcrs)


def linux_files(loader):
    """Debian's Linux, from an entry of type 1, by this loader."""
    with project.build_in_use():
        files = qemu.esp_files(Options(kernel="linux"))
        return {**files, signing.LOADER: content(loader) if loader else files[signing.LOADER],
                "loader/loader.conf": b"timeout 0\n"}


def test_linux(bench):
    """The same formulas hold for systemd-boot, which puts the initrd on the command line, and Linux."""
    for name, loader, before in (("Baton's loader", os.path.join(project.ESP, qemu.LOADER), ""),
                                 ("systemd-boot", None, "initrd=\\baton\\initrd.cpio ")):
        files = linux_files(loader)
        pcrs, _ = bench.boots(files, "tpm-crb", seconds=240)
        options = utf16(before + " ".join(values(content(files[qemu.ENTRY]), "options")).strip())
        bench.compare(f"Linux by {name}", pcrs,
                      {9: [options, padded(content(files[qemu.INITRD]))], 11: [], 12: [options]})


def test(tap):
    with tempfile.TemporaryDirectory(prefix="baton-measured-") as folder:
        bench = Bench(tap, folder)
        test_typed(bench)
        test_unified(bench)
        test_linux(bench)


if __name__ == "__main__":
    sys.exit(harness.main(test))
