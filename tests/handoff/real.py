#!/usr/bin/python3
"""Records of real boots: what the audit finds in firmware that Debian packages is what known_findings.py
explains; two boots of one firmware do not differ; a record of version 1 is read for ever; and what a machine
shows of its handoff by itself."""
import json
import lzma
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "boot"))
import harness  # noqa: E402
import known_findings  # noqa: E402
from baton import project, qemu  # noqa: E402
from baton.handoff import difference, firmware  # noqa: E402
from baton.handoff.records import Record, number  # noqa: E402
from baton.machine import Machine  # noqa: E402

OVMF = "/usr/share/OVMF/OVMF_"
MACHINES = {
    "OVMF 2M": {"firmware": f"{OVMF}CODE.fd,{OVMF}VARS.fd"},
    "OVMF 4M": {"firmware": f"{OVMF}CODE_4M.fd,{OVMF}VARS_4M.fd"},
    "OVMF secboot": {"firmware": f"{OVMF}CODE_4M.secboot.fd,{OVMF}VARS_4M.fd", "machine": "q35,smm=on",
                     "qemu": ["-global driver=cfi.pflash01,property=secure,value=on"]},
    "U-Boot": {"firmware": "/usr/lib/u-boot/qemu-x86_64/u-boot.rom", "machine": "pc"},
}
KEPT = os.path.join(HERE, "kept", "ovmf-4m-version-1.rec.xz")


def boot(name, path):
    options = qemu.Options(**MACHINES[name])
    options.timeout = 120
    firmware.record_to(path, options)
    return Record(path)


def judge(tap, name, record):
    findings = {one["check"]: one for one in record.findings()}
    found = {check for check, one in findings.items() if one["result"] == "fail"}
    unknown = {check for check, one in findings.items() if one["result"] == "not known"}
    explained, sometimes = known_findings.FIRMWARE[name], known_findings.SOMETIMES.get(name, {})
    for check in sorted(found | set(explained)):
        if check not in sometimes:
            tap.check(check in found and check in explained,
                      f"{name}: {check:02d} {findings[check]['title']}",
                      "found and not explained" if check in found else "explained and not found any more",
                      json.dumps(findings[check]["places"], indent=1))
    tap.equal(sorted(unknown), sorted(known_findings.NOT_KNOWN.get(name, {})),
              f"{name}: what is not known")
    tap.equal(record.data["lost_entries"], 0, f"{name}: the record has room for all")


def all_known(tap, records):
    """A check that neither EDK2's firmware nor U-Boot lets us answer would be no check."""
    unknown = [{one["check"] for one in records[name].findings() if one["result"] == "not known"}
               for name in ("OVMF 4M", "U-Boot")]
    tap.equal(unknown[0] & unknown[1], set(), "no check is not known on both OVMF and U-Boot")


def kept(tap, folder):
    path = os.path.join(folder, "kept.rec")
    with open(path, "wb") as file:
        file.write(lzma.decompress(project.read(KEPT)))
    record = Record(path)
    tap.equal(record.data["version"], 1, "a kept record of version 1 is read")
    told = (record.firmware(), len(record.all("image")), len(record.all("acpi_table")))
    tap.equal(told, ("EDK II", 101, 11), "and tells what it told when it was taken")
    found = {one["check"] for one in record.findings() if one["result"] == "fail"}
    tap.check(set(known_findings.OVMF) <= found, "and is judged as then", found)


def run(command, **options):
    """What a command prints on a machine with these kernel options, and the machine."""
    machine = harness.run(["sh", "-c", command], plain=True, **options)
    return machine.output.data.decode("utf-8", "replace"), machine


def on_the_machine(tap):
    handoff = "/sys/firmware/handoff"
    text, machine = run(f"cd {handoff} && ls && id -u && cat audit && cat audit.json && cat record.json",
                        append="audit")
    tap.check(text.startswith("audit\naudit.json\nrecord\nrecord.json\n"), "four files", text[:200])
    tap.check(re.search(r"^H 30 bus mastering", text, re.M), "audit is for people")
    tap.check('"check":30,' in text, "audit.json is for programs")
    tap.check('"name":"entry_state"' in text, "record.json tells fields")
    log = machine.log.text()
    tap.check("audit: H 30 bus mastering" in log, "with audit the log has the findings", log[-300:])
    tap.check(re.search(r"loader: before the exit: Baton handoff [0-9a-f]{8}:.* M42", log),
              "and the loader says what it knew before the exit", log[:1500])
    text, _ = run(f"grep -c '^H 42' {handoff}/audit", append="audit=emp")
    tap.equal(text, "1\n", "audit=emp judges by that profile")
    text, _ = run(f"cat {handoff}/record | wc -c")
    tap.check(4096 < int(text.split()[0]) < 128 * 1024, "without an option a small record is there", text)


def on_the_screen(tap, folder):
    """Where nothing comes out of a machine but its picture, that says what fails: zbarimg reads it."""
    if not shutil.which("zbarimg"):
        tap.skip("the code on the screen", "zbar-tools is not installed")
        return
    path = os.path.join(folder, "screen.ppm")
    with Machine(qemu.Options(append="audit", timeout=120, screen=True), None) as machine:
        machine.wait(lambda: "Baton handoff " in machine.log.text(), 90)

        def seen():
            machine.query("screendump", filename=path)
            return subprocess.run(["zbarimg", "--quiet", "--raw", path], capture_output=True, text=True,
                                  check=False).stdout
        machine.wait(lambda: "Baton handoff " in seen(), 60)
        told, log = seen().strip(), machine.log.text()
    tap.check(re.match(r"Baton handoff [0-9a-f]{8}: H30 ", told) and told in log,
              "the screen shows what fails as a QR code", told, log[-300:])


def memory(tap):
    """Without an option the loader's buffer of 256 frames goes back, and there is no canary of 1,024."""
    held = [int(re.search(r"^kernel (\d+)", run("cat /proc/baton/frames", append=append)[0], re.M)[1])
            for append in ("", "report")]
    tap.check(256 + 1024 - 32 <= held[1] - held[0] <= 256 + 1024 + 32,
              "without an option 1 MiB goes back", held)


def cost(tap, folder):
    """What recording takes when nothing is asked for, in instructions: with --icount one is one tick of the
    time stamp counter, which runs from the reset on. P0 and P1 are nearly all of it."""
    path = os.path.join(folder, "counted.rec")
    machine = harness.run(["cat", "/sys/firmware/handoff/record"], plain=True, icount=True)
    with open(path, "wb") as file:
        file.write(machine.output.data)
    record = Record(path)
    start = number(record.first("entry_state")["tsc"])
    recorded = number(record.first("call")["fields"]["before"]) - start
    reached = number(record.last("exit_attempt")["fields"]["after"])
    tap.note(f"{recorded} instructions before the first call, {reached - start} in the loader, "
             f"{reached} in all")
    tap.check(recorded <= reached / 50, "recording costs at most 2% of the boot", recorded, reached)
    tap.check(recorded <= 250000, "and no more than 250,000 instructions", recorded)


def main():
    def test(tap):
        with tempfile.TemporaryDirectory(prefix="baton-real-") as folder:
            kept(tap, folder)
            records = {name: boot(name, os.path.join(folder, f"{name}.rec")) for name in MACHINES}
            for name, record in records.items():
                judge(tap, name, record)
            all_known(tap, records)
            again = boot("OVMF 4M", os.path.join(folder, "again.rec"))
            tap.equal(difference.compare(Record(os.path.join(folder, "OVMF 4M.rec")), again, "uefi"), {},
                      "two boots of one firmware do not differ")
            on_the_machine(tap)
            on_the_screen(tap, folder)
            memory(tap)
            cost(tap, folder)

    return harness.main(test)


if __name__ == "__main__":
    sys.exit(main())
