#!/usr/bin/python3
"""Ways in which the firmware of tests/boot/firmware misbehaves, as findings in records of real boots: the
check that is meant fails, also where the machine never reaches the kernel. The record is taken from the
guest's memory.

usage: ill_behaved.py [CHECK...]
"""
import json
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "boot"))
import harness  # noqa: E402
from snapshot_machine import PROMPT, SnapshotMachine  # noqa: E402
from baton import project  # noqa: E402
from baton.handoff import firmware  # noqa: E402
from baton.handoff.records import JUDGE  # noqa: E402

MEMORY = 256 << 20
WAIT = 60

# Which check, with what orders (tests/boot/firmware/README.md), and what has to stand in what was found.
CASES = [
    (1, ["map-stride 44"], "44"),
    (2, ["map-version 2"], "2"),
    (3, ["map-tail 8"], ""),
    (4, ["map-unaligned 16"], ""),
    (5, ["map-zero 3"], ""),
    (6, ["map-add 7 0x10000000000000 16 8"], ""),
    (7, ["map-add 0 0x200000 16 8"], ""),
    (8, ["map-twice"], ""),
    (9, ["map-reverse"], ""),
    (10, ["map-add 99 0x5000000000 16 8"], ""),
    (11, ["map-add 0x70000001 0x5000000000 16 8"], ""),
    (12, ["map-add 7 0x5000000000 16 0x8000000000000008"], ""),
    (13, ["map-clear 8"], ""),
    (15, ["screen base 0x1000000"], ""),
    (18, ["map-type 1 3"], ""),
    (19, ["map-grow 2 50"], ""),
    (21, ["map-add 15 0x5000000000 16 8"], ""),
    (22, ["exit-stale 3"], "attempt"),
    (23, ["exit-stale 100"], "attempts"),
    (24, ["exit-status 7"], "0x8000000000000007"),
    (25, ["exit-stale 3", "map-fails 6 7"], "GetMemoryMap"),
    (49, ["acpi RSDP 8 ff"], ""),
    (51, ["acpi XSDT 9 00"], ""),
    (52, ["acpi FACP 9 00"], ""),
    (55, ["acpi-append APIC 0008000001000000"], ""),
    (17, ["runtime get-time touch 0"], ""),
    (60, ["runtime get-time fails 3"], "0x18"),
    (63, ["runtime get-time jump 0x7fff0000000"], "GetTime"),
    (63, ["runtime get-variable boot-code"], "BootServicesCode"),
    (65, ["runtime get-time rubbish 0x55"], ""),
    (66, ["runtime next-variable returns"], "twice"),
    (68, ["runtime get-time direction"], "direction"),
    (68, ["runtime get-time sse"], "registers"),
    (71, ["screen size 4096"], ""),
    (72, ["load-options ffff01020304"], ""),
    (73, ["read-short 65536"], ""),
]


def findings(machine, folder):
    """What the audit says of the record that lies in the guest's memory."""
    picture, path = os.path.join(folder, "memory"), os.path.join(folder, "boot.rec")
    machine.query("pmemsave", val=0, size=MEMORY, filename=picture)
    with open(path, "wb") as file:
        file.write(firmware.find(project.read(picture)))
    ended = subprocess.run([JUDGE, "audit", path, "uefi"], capture_output=True, text=True, check=False)
    if ended.returncode:
        return {}, ended.stderr
    return {one["check"]: one for one in json.loads(ended.stdout)["findings"]}, ""


def over(machine):
    """Init has a shell, or the loader has stopped for good, or gone back to the firmware."""
    return PROMPT in machine.log or machine.shutdown or "returned" in machine.orders_text or \
        re.search(r"(?i)restart it|halted|Press a key", machine.log)


def run(tap, machine, folder, check, orders, words):
    machine.begin(orders)
    machine.wait(lambda: over(machine), WAIT)
    found, problem = findings(machine, folder)
    one = found.get(check, {})
    places = " ".join(place["found"] for place in one.get("places", ()))
    tap.check(one.get("result") == "fail" and words in places,
              f"{check:02d} {one.get('title', '')}: {', '.join(orders)}", problem, json.dumps(one, indent=1),
              f"fail: {sorted(number for number, it in found.items() if it['result'] == 'fail')}",
              machine.log[-300:])


def main():
    wanted = {int(text) for text in sys.argv[1:]}

    def test(tap):
        with tempfile.TemporaryDirectory(prefix="baton-ill-") as folder, \
                SnapshotMachine(append="audit quiet") as machine:
            for check, orders, words in CASES:
                if not wanted or check in wanted:
                    run(tap, machine, folder, check, orders, words)

    return harness.main(test)


if __name__ == "__main__":
    sys.exit(main())
