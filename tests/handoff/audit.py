#!/usr/bin/python3
"""audit.py JUDGE: what the host's tool says of records that are made here and marked as edited: each check
passes on the clean one; one with something missing fails nothing; places, profiles, what is no record."""
import json
import os
import re
import struct
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "boot"))
import harness  # noqa: E402
import clean  # noqa: E402
from failures import FAILURES  # noqa: E402

CHECKS = 74
README = os.path.join(HERE, "..", "..", "kernel", "library", "audit", "README.md")


def write(folder, name, record):
    path = os.path.join(folder, name)
    with open(path, "wb") as file:
        file.write(record.bytes())
    return path


def audit(judge, path, profile="emp", baseline=None):
    command = [judge, "audit", path, profile] + ([baseline] if baseline else [])
    told = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    return {finding["check"]: finding for finding in json.loads(told)["findings"]}


def passes(tap, judge, folder):
    path = write(folder, "clean.rec", clean.clean())
    findings = audit(judge, path, baseline=path)
    tap.equal(sorted(findings), list(range(1, CHECKS + 1)), "a finding for every check")
    for number in range(1, CHECKS + 1):
        finding = findings[number]
        tap.check(finding["result"] == "pass" and not finding["places"],
                  f"check {number} passes: {finding['title']}", finding)
    missing = set(range(1, CHECKS + 1)) - {check for check, _, _ in FAILURES}
    tap.check(not missing, "each check has a record on which it fails", sorted(missing))


def sections(tap, judge, folder):
    """The audit's README tells each check as the code does, and how each section that it cites was seen."""
    with open(README, encoding="utf-8") as file:
        lines = [line.strip("| \n").split(" | ") for line in file if line.startswith("| ")]
    told = {int(row[0].removesuffix(" -")): row[1:] for row in lines if row[0][:2].isdigit()}
    seen = {(row[0], row[1]): row[3] for row in lines if len(row) == 4}
    for number, finding in audit(judge, write(folder, "clean.rec", clean.clean()), "uefi").items():
        row = told.get(number, ["", "", ""])
        tap.equal((row[0], row[1][0], row[2]), (finding["title"], finding["severity"], finding["section"]),
                  f"check {number} in the README")
        for part in finding["section"].split("; "):
            name, _, numbers = part.partition(", ")
            for section in re.findall(r"\d+(?:\.\d+)+", numbers):
                tap.check(seen.get((name, section)) in ("text", "contents", "quoted", "not seen"),
                          f"check {number}: how {name}, {section} was seen")


def without(tap, judge, folder):
    """A record without an entry of some kind: what needs it is not known, and nothing fails."""
    for kind in sorted({entry.name for entry in clean.clean().entries}):
        record = clean.clean()
        record.remove(kind)
        findings = audit(judge, write(folder, "less.rec", record))
        wrong = [finding for finding in findings.values() if finding["result"] == "fail" or (
            finding["result"] != "pass" and not finding["why"])]
        # The absence of these says something by itself.
        allowed = {"acpi_root": set(), "variable": set(), "image": {43}}.get(kind, set())
        tap.check(not [one for one in wrong if one["check"] not in allowed], f"without {kind}", wrong)
    record = clean.clean()
    record.entries = []
    findings = audit(judge, write(folder, "none.rec", record))
    wrong = [one for one in findings.values() if one["result"] not in ("not known", "not applicable")]
    tap.check(not wrong, "an empty record tells nothing", wrong)


def profiles(tap, judge, folder):
    record = clean.clean()
    for entry in record.all("memory_protection"):
        entry.fields["locate_status"] = clean.NOT_FOUND
    path = write(folder, "profile.rec", record)
    told = {profile: audit(judge, path, profile)[44] for profile in ("minimal", "uefi", "emp")}
    tap.equal([(one["result"], one["severity"]) for one in told.values()],
              [("not applicable", "L"), ("fail", "L"), ("fail", "H")], "a profile changes what is asked for")


def places(tap, judge, folder):
    """A finding tells where: the bytes at the offset are those that are wrong, and whose they are."""
    record = clean.clean()
    record.first("map_exit").fields["descriptor_version"] = 0x77
    path = write(folder, "place.rec", record)
    offset = audit(judge, path)[2]["places"][0]["offset"]
    with open(path, "rb") as file:
        tap.equal(file.read()[offset:offset + 4], b"\x77\0\0\0", "the offset leads to the bytes")
    record = clean.clean()
    [edit for check, name, edit in FAILURES if check == 63][0](record)
    place = audit(judge, write(folder, "image.rec", record))[63]["places"][0]
    tap.equal(place.get("image"), "RuntimeDxe", "the image is named")
    tap.check("0x1234" in place["found"] and "ResetSystem" in place["found"],
              "and the offset in it, the service", place)
    record = clean.clean()
    record.first("pci_commands").tail = b"\0\0\1\0\4\0\0\2" * 20
    finding = audit(judge, write(folder, "many.rec", record))[30]
    tap.equal((finding["count"], len(finding["places"])), (20, 8), "many places are counted, and some told")


def emulated(tap, judge, folder):
    """QEMU's emulation clears a processor's MTRRs when it is woken: that is not laid to the firmware; what
    INIT keeps still is."""
    edits = {name: edit for check, name, edit in FAILURES if check == 40}

    def result(name):
        record = clean.clean()
        leaf = struct.pack("<3I", 0x40000000, 0, 0x40000001) + b"TCGTCGTCGTCG"
        record.first("cpuid").tail += leaf
        if name:
            edits[name](record)
        return audit(judge, write(folder, "emulated.rec", record))[40]["result"]

    tap.equal([result(name) for name in (None, "MTRRs cleared", "microcode")], ["pass", "not known", "fail"],
              "MTRRs that QEMU's INIT clears are nobody's fault")


def too_much(record, kind):
    """Fills a record with so much of a kind that comparing each with each would take minutes."""
    many = 30000
    if kind == "processors":
        clean.acpi_set(record, b"APIC", clean.madt(*(clean.x2apic(one, one) for one in range(many))))
    elif kind == "descriptors":
        ranges = [(7, 4096, 4096 * (one + 2), clean.WB) for one in range(many)]
        clean.set_map(record.first("map_exit"), ranges)
    elif kind == "maps":
        for attempt in (1, 2):
            ranges = [(7, 4096 * (one * 7 % many + attempt), 1 << 30, clean.WB) for one in range(many // 2)]
            clean.add_map(record, "map_exit", ranges)
            record.add("exit_attempt", attempt=attempt)
    elif kind == "tables":
        tables = (one.to_bytes(16, "little") + b"\1".ljust(8, b"\0") for one in range(many))
        record.first("configuration").tail = b"".join(tables)
    else:
        for name in ("variable", "runtime_variable"):
            for one in range(many // 5):
                record.add(name, (one << 16 | 1).to_bytes(8, "little"), guid=name.encode(), name_size=8,
                           attributes=7)


def bounded(tap, judge, folder):
    """No record keeps a processor for long: a check that would have to compare too much gives up."""
    for kind, check in (("processors", 55), ("descriptors", 8), ("maps", 22), ("tables", 48),
                        ("variables", 67)):
        record = clean.clean()
        too_much(record, kind)
        finding = audit(judge, write(folder, "much.rec", record))[check]
        tap.check(finding["result"] == "fail" or "too much" in finding.get("why", ""),
                  f"check {check} with too many {kind}", finding)


def refused(tap, judge, folder):
    data = clean.clean().bytes()
    cases = {"no record": b"\x7fELF" + data[4:], "newer": data[:8] + b"\2" + data[9:], "cut off": data[:-9],
             "damaged": data[:2000] + b"!!!!!!!!" + data[2008:]}
    for word, content in cases.items():
        path = os.path.join(folder, "wrong.rec")
        with open(path, "wb") as file:
            file.write(content)
        ended = subprocess.run([judge, "audit", path, "uefi"], capture_output=True, text=True, check=False)
        tap.check(ended.returncode == 1 and word in ended.stderr and not ended.stdout, f"refused: {word}",
                  ended.stderr)


def test(tap):
    judge = os.path.abspath(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        for check in (passes, sections, without, profiles, places, emulated, bounded, refused):
            check(tap, judge, folder)


if __name__ == "__main__":
    harness.main(test)
