#!/usr/bin/python3
"""What other programs read of a record that a machine with a TPM gave: tpm2_eventlog replays the log to the
PCRs that the TPM (swtpm) told the loader, and that check 70 and the page compute; dmidecode finds the
structures of SMBIOS that check 58 counts. And a machine with Secure Boot on says so."""
import os
import re
import struct
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "boot"))
import harness  # noqa: E402
from baton import qemu  # noqa: E402
from baton.handoff import firmware, page_firmware, secure_boot, tpm  # noqa: E402
from baton.handoff.records import Record, raw  # noqa: E402

PCRS = 8  # those of the firmware
DIGEST = 32
COMPLAINTS = r"(?i)wrong|broken|invalid|truncated|EOF"


def boot(folder):
    path = os.path.join(folder, "tpm.rec")
    options = qemu.Options()
    options.timeout = 120
    with tpm.Tpm(folder) as chip:
        options.qemu = [chip.arguments]
        firmware.record_to(path, options)
    return Record(path)


def passes(record, check):
    found = {one["check"]: one for one in record.findings()}[check]
    return found["result"] == "pass", found


def tool(folder, content, *command):
    """What a tool says of these bytes in a file, whose name ends its command."""
    path = os.path.join(folder, "bytes")
    with open(path, "wb") as file:
        file.write(content)
    return subprocess.run([*command, path], capture_output=True, text=True, check=False)


def event_log(tap, folder, record):
    passed, found = passes(record, 70)
    tap.check(passed, "70 passes with a TPM", found)
    digests = raw(record.first("pcrs"), 16)
    told = {pcr: digests[pcr * DIGEST:(pcr + 1) * DIGEST].hex() for pcr in range(PCRS)}
    ended = tool(folder, raw(record.first("tpm_log"), 32), "tpm2_eventlog")
    bank = ended.stdout.partition("\npcrs:\n")[2].partition("sha256:\n")[2]
    replayed = {int(pcr): digest for pcr, digest in re.findall(r"^ +(\d+) *: 0x([0-9a-f]{64})$", bank, re.M)}
    tap.check(len(set(told.values())) > 2, "the PCRs are not empty", told)
    tap.equal({pcr: replayed.get(pcr) for pcr in told}, told,
              "tpm2_eventlog computes from the log what swtpm holds")
    page = {pcr: page_firmware.replayed(record)[pcr].hex() for pcr in told}
    tap.equal(page, told, "and so does the page")


def dump(anchor, structures):
    """As `dmidecode --dump-bin` writes it: the anchor, which says that the structures lie at 32."""
    head = bytearray(anchor)
    if head[:5] == b"_SM3_":
        struct.pack_into("<Q", head, 16, 32)
        head[5] = 0
        head[5] = -sum(head[:head[6]]) & 0xff
    else:
        struct.pack_into("<I", head, 24, 32)
        head[21] = 0
        head[21] = -sum(head[16:31]) & 0xff
        head[4] = 0
        head[4] = -sum(head[:head[5]]) & 0xff
    return bytes(head).ljust(32, b"\0") + structures


def walk(structures):
    """(handle, type, length) of each, up to the end of the table (SMBIOS 3.7, 6.1.2)."""
    at, found = 0, []
    while at + 4 <= len(structures):
        kind, length, handle = struct.unpack_from("<BBH", structures, at)
        found.append((handle, kind, length))
        if kind == 127 or length < 4:
            break
        end = structures.find(b"\0\0", at + length)
        at = len(structures) if end < 0 else end + 2
    return found


def smbios(tap, folder, record):
    passed, found = passes(record, 58)
    tap.check(passed, "58 passes", found)
    anchor, structures = raw(record.first("smbios_anchor"), 16), raw(record.first("smbios_structures"), 16)
    ended = tool(folder, dump(anchor, structures), "dmidecode", "--from-dump")
    seen = [(int(handle, 16), int(kind), int(length)) for handle, kind, length in
            re.findall(r"^Handle (0x[0-9A-F]+), DMI type (\d+), (\d+) bytes$", ended.stdout, re.M)]
    tap.equal(seen, walk(structures), "dmidecode reads the structures that are in the record")
    tap.check(len(seen) > 5, "which are some", seen)
    tap.check(not re.search(COMPLAINTS, ended.stdout + ended.stderr), "and has nothing to complain of",
              ended.stdout, ended.stderr)
    ended = tool(folder, dump(anchor, structures[:len(structures) // 2]), "dmidecode", "--from-dump")
    tap.check(re.search(COMPLAINTS, ended.stdout + ended.stderr),
              "and complains of half of it", ended.stdout[-300:], ended.stderr)


def secured(tap, folder):
    path = os.path.join(folder, "secure.rec")
    options = qemu.Options(firmware="/usr/share/OVMF/OVMF_CODE_4M.secboot.fd")
    options.timeout = 120
    secure_boot.prepare(options, folder)
    firmware.record_to(path, options)
    record = Record(path)
    said = {entry["text"]: entry.get("data") for entry in record.all("variable")}
    tap.equal((said.get("SecureBoot"), said.get("SetupMode")), ("01", "00"),
              "a signed loader starts with Secure Boot on")
    passed, found = passes(record, 69)
    tap.check(passed, "and 69 passes", found)


def main():
    def test(tap):
        with tempfile.TemporaryDirectory(prefix="baton-peers-") as folder:
            record = boot(folder)
            event_log(tap, folder, record)
            smbios(tap, folder, record)
            secured(tap, folder)

    return harness.main(test)


if __name__ == "__main__":
    sys.exit(main())
