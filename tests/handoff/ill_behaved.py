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
import time
import uuid

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "boot"))
import harness  # noqa: E402
from snapshot_machine import PROMPT, SnapshotMachine  # noqa: E402
from baton import project  # noqa: E402
from baton.handoff import firmware, tpm  # noqa: E402
from baton.handoff.records import JUDGE, Record  # noqa: E402

MEMORY = 256 << 20
WINDOWS = {"256M": [0], "3G": [(2 << 30) - MEMORY, (5 << 30) - MEMORY]}  # where in memory a record may lie
WAIT = 60
# Each reading has the kernel look; edu takes 100 ms to write.
LOOK_AGAIN = "while ! grep 'DMA into' /sys/firmware/handoff/audit; do :; done\n"


def guid(text):
    """As the orders have it: its bytes in memory."""
    return uuid.UUID(text).bytes_le.hex()


ACPI_2 = guid("8868e871-e4f1-11d3-bc22-0080c73c8881")
ATTRIBUTES = guid("dcfa911d-26eb-469f-a220-38b7dc461220")
RESOURCES = guid("b122a263-3661-4f68-9929-78f8b0d62180")
SMBIOS = guid("eb9d2d31-2d88-11d3-9a16-0090273fc14d")

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
    (24, ["exit-status 7"], "EFI_DEVICE_ERROR"),
    (25, ["exit-stale 3", "map-fails 6 7"], "GetMemoryMap"),
    (49, ["acpi RSDP 8 ff"], ""),
    (51, ["acpi XSDT 9 00"], ""),
    (52, ["acpi FACP 9 00"], ""),
    (55, ["acpi-append APIC 0008000001000000"], ""),
    (16, ["map-add 1 0xfee00000 1 8"], "local APIC"),
    (26, ["exit-pointers"], "BootServices"),
    (27, ["exit-apic 0x3e0 0", "exit-apic 0x320 0x20040", "exit-apic 0x380 100000"], "vector 64"),
    (28, ["exit-apic 0x370 0x41"], "LVT error"),
    (33, ["exit-slow 3000"], "ms"),
    (34, ["cr0 0x40000000"], "CR0"),
    (38, ["map-add 5 0x20000000000 16 0x8000000000000008"], "0x20000000000"),
    (41, ["acpi-append APIC 0008050501000000"], "did not wake"),
    (45, ["protection 0x24000"], "it says read-only"),
    (48, [f"table-null {ATTRIBUTES}"], "NULL"),
    (48, [f"table-twice {ACPI_2}"], "twice"),
    (54, ["acpi FACP 80 28060000 seal"], "GPE0_BLK"),
    (56, ["acpi-append APIC 09100000001000000100000063000000"], "identifier 4096"),
    (57, ["acpi APIC 36 0000d0fe seal"], "0xfed00000"),
    (57, ["acpi MCFG 44 00000090 seal"], "host bridge"),
    (58, [f"table {SMBIOS} 4 55"], "adds up to"),
    (59, [f"table-add {RESOURCES} {'02000000' '01000000' '0100000000000000'}{'00' * 80}"], "at most 1"),
    (61, [f"table {ATTRIBUTES} 4 01000000"], "not covered"),
    (62, [f"table {ATTRIBUTES} 48 0000000000000080"], "neither RO nor XP"),
    (67, ["runtime get-variable attributes 3"], "attributes 0x3"),
    (69, ["variable SetupMode 00"], "without a PK"),
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

# The same on other machines.
PROCESSORS = [
    (40, [], "MSR 0x8b is 0x200000000"),
]
OLD_MICROCODE = ["-smp 1,maxcpus=2,sockets=2,cores=1,threads=1",
                 "-device max-x86_64-cpu,socket-id=1,core-id=0,thread-id=0,ucode-rev=0x200000000"]
TPM = [
    (70, ["tpm-extend 7"], "PCR 7"),
]
# With memory above 4 GiB; the record lies at its end, or at the end of what is below.
HIGH = [
    (39, ["five-levels 0x110000000"], "tables are at 0x110000000"),
]
# Against a baseline, which is this machine without orders.
BASELINE = [
    (20, ["map-split 200"], "descriptors"),
]


def record_take(machine, folder, name):
    """The record that lies in the guest's memory, as a file."""
    picture, path = os.path.join(folder, "memory"), os.path.join(folder, name)
    found = []
    for window in WINDOWS[machine.memory]:
        machine.query("pmemsave", val=window, size=MEMORY, filename=picture)
        found.append(firmware.find(project.read(picture)))
    with open(path, "wb") as file:
        file.write(max(found, key=len))
    return path


def findings(machine, folder, baseline):
    """What the audit says of it."""
    path = record_take(machine, folder, "boot.rec")
    ended = subprocess.run([JUDGE, "audit", path, "uefi", *baseline], capture_output=True, text=True,
                           check=False)
    if ended.returncode:
        return {}, ended.stderr
    return {one["check"]: one for one in json.loads(ended.stdout)["findings"]}, ""


def over(machine):
    """Init has a shell, or the loader has stopped for good, or gone back to the firmware."""
    return PROMPT in machine.log or machine.shutdown or "returned" in machine.orders_text or \
        re.search(r"(?i)nothing was changed|restart it|halted|press a key", machine.log)


def boot(machine, orders):
    machine.begin(orders)
    machine.wait(lambda: over(machine), WAIT)


def run(tap, machine, folder, case, baseline=()):
    check, orders, words = case
    boot(machine, orders)
    found, problem = findings(machine, folder, baseline)
    one = found.get(check, {})
    places = " ".join(place["found"] for place in one.get("places", ()))
    tap.check(one.get("result") == "fail" and words in places,
              f"{check:02d} {one.get('title', '')}: {', '.join(orders)}", problem, json.dumps(one, indent=1),
              f"fail: {sorted(number for number, it in found.items() if it['result'] == 'fail')}",
              machine.log[-300:])


def canary(tap, folder):
    """31: a device writes to free memory that the kernel watches; a boot without orders tells where."""
    with SnapshotMachine(append="audit quiet", qemu=["-device edu"]) as machine:
        boot(machine, [])
        place = Record(record_take(machine, folder, "first.rec")).first("canary")["fields"]["base"]
        orders = [f"runtime get-time dma {place}"]
        boot(machine, orders)
        machine.type(LOOK_AGAIN)
        machine.wait(lambda: "DMA into free memory" in machine.log, WAIT)
        told = machine.log[-300:]
        found, problem = findings(machine, folder, [])
        one = found.get(31, {})
        tap.check(one.get("result") == "fail" and "bytes changed" in one["places"][0]["found"],
                  f"31 DMA into free memory: {orders[0]}", problem, json.dumps(one, indent=1), told)


def watchdog(tap, folder):
    """32: the chipset's watchdog, which the firmware left running, resets the machine when the kernel runs;
    that it did, the host sees."""
    with SnapshotMachine(append="audit quiet", qemu=["-global ICH9-LPC.noreboot=off"]) as machine:
        started = time.monotonic()
        machine.begin(["exit-watchdog 8"])
        machine.wait(lambda: machine.shutdown, WAIT)
        if not tap.equal(machine.shutdown, "guest-reset", "the machine resets itself"):
            return
        path = record_take(machine, folder, "boot.rec")
        content = firmware.observed(project.read(path), firmware.SAW_RESET, time.monotonic() - started)
        with open(path, "wb") as file:
            file.write(content)
        one = {one["check"]: one for one in Record(path).findings()}[32]
        tap.check(one["result"] == "fail" and "reset itself" in one["places"][0]["found"],
                  "32 the watchdog is quiet after the exit: exit-watchdog 8", json.dumps(one, indent=1),
                  machine.log[-300:])


def run_all(tap, folder, cases, baseline=False, **options):
    """These cases on a machine with these options."""
    if not cases:
        return
    with SnapshotMachine(append="audit quiet", **options) as machine:
        before = []
        if baseline:
            boot(machine, [])
            before = [record_take(machine, folder, "baseline.rec")]
        for case in cases:
            run(tap, machine, folder, case, before)


def main():
    wanted = {int(text) for text in sys.argv[1:]}

    def chosen(cases):
        return [case for case in cases if not wanted or case[0] in wanted]

    def test(tap):
        with tempfile.TemporaryDirectory(prefix="baton-ill-") as folder:
            run_all(tap, folder, chosen(CASES))
            run_all(tap, folder, chosen(BASELINE), baseline=True)
            run_all(tap, folder, chosen(PROCESSORS), qemu=OLD_MICROCODE)
            run_all(tap, folder, chosen(HIGH), memory="3G")
            if not wanted or 31 in wanted:
                canary(tap, folder)
            if not wanted or 32 in wanted:
                watchdog(tap, folder)
            if chosen(TPM):
                with tpm.Tpm(folder) as chip:
                    run_all(tap, folder, chosen(TPM), qemu=[chip.arguments])

    return harness.main(test)


if __name__ == "__main__":
    sys.exit(main())
