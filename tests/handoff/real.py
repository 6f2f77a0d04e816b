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
from baton import project, qemu, volume  # noqa: E402
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
    machine = harness.run(["sh", "-c", command], **options)
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
    machine = harness.run(["cat", "/sys/firmware/handoff/record"], icount=True)
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


DISK = ("virtio-blk-pci,drive=own,bootindex=0",)
INTERNAL = ("ahci,id=own", "ide-hd,bus=own.0,drive=own,bootindex=0")


def boot_image(image, until="Baton starts", read_only=False, devices=DISK):
    """The console's text up to the line with these words, the whole line, of a machine that boots this image
    itself, not a copy, and whose variables are kept beside it."""
    variables = f"{image}.variables"
    if not os.path.exists(variables):
        shutil.copyfile(f"{OVMF}VARS_4M.fd", variables)
    options = qemu.Options(media="none", firmware=f"{OVMF}CODE_4M.fd,{variables}", qemu=[
        f"-drive if=none,id=own,format=raw,file={image},readonly={'on' if read_only else 'off'}",
        *(f"-device {device}" for device in devices)])
    with Machine(options, None) as machine:
        machine.wait(lambda: "\n" in machine.log.text().partition(until)[2], 60)
        shutil.copyfile(os.path.join(machine.folder, "variables.fd"), variables)
        return machine.log.text()


def from_volume(image, name, path):
    subprocess.run(["mcopy", "-o", "-i", f"{image}@@1M", f"::/baton/report/{name}", path], check=True)
    return Record(path)


def left(tap, folder, image, text, who):
    """The record that the text says was left on the image, or None."""
    name = re.search(who + r": wrote \\baton\\report\\([0-9a-f]{32}\.rec)", text)
    if not tap.check(name, f"{who}: report says what it wrote", text[-400:]):
        return None
    path = os.path.join(folder, name[1])
    record = from_volume(image, name[1], path)
    tap.check(record.data["sealed"] and record.data["boot"] == name[1][:32],
              f"{who}: sealed, and named by its boot")
    return record


def fill(image, folder):
    """The volume with files, until not a cluster is free."""
    for size in (1 << bits for bits in range(26, 8, -1)):
        path = os.path.join(folder, f"fill{size}")
        for copy in range(4):
            with open(path, "wb") as file:
                file.truncate(size)
            if subprocess.run(["mcopy", "-i", f"{image}@@1M", path, f"::/fill{size}.{copy}"], check=False,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode:
                break
        os.unlink(path)


def full_volume(tap, folder):
    image = os.path.join(folder, "full.img")
    volume.write(image, qemu.esp_files(qemu.Options(append="report")))
    fill(image, folder)
    text = boot_image(image, "handoff: no report")
    tap.check("no report on the volume: volume full" in text and "Baton starts" in text,
              "a volume that is full is a line", text[-400:])
    listed = subprocess.run(["mdir", "-b", "-i", f"{image}@@1M", "::/baton/report"], capture_output=True,
                            text=True, check=False).stdout
    tap.check(".rec" not in listed, "and half a report does not stay on it", listed)


def variable(tap, folder):
    """report=variable: what came after the report waits in a variable, and the next boot adds it."""
    image = os.path.join(folder, "variable.img")
    volume.write(image, qemu.esp_files(qemu.Options(append="report=variable")))
    text = boot_image(image, "in the variable BatonReport")
    name = re.search(r"wrote \\baton\\report\\([0-9a-f]{32}\.rec)", text)
    size = re.search(r"report: (\d+) bytes in the variable", text)
    if not tap.check(name and size and int(size[1]) <= 1024, "at most 1 KiB is left in a variable",
                     text[-600:]):
        return
    before = from_volume(image, name[1], os.path.join(folder, "before.rec"))
    text = boot_image(image)
    tap.check(f"added what came later to \\baton\\report\\{name[1]}" in text, "the next boot adds it",
              text[-600:])
    after = from_volume(image, name[1], os.path.join(folder, "after.rec"))
    known = {one["check"] for one in after.findings() if one["result"] != "not known"}
    tap.check(after.data["sealed"] and after.data["boot"] == name[1][:32] and
              len(after.entries) > len(before.entries) and after.first("after_exit") and
              {22, 28, 29} <= known,
              "to the report of that boot, which tells more now", sorted(known))
    text = boot_image(image)
    tap.check(name[1] not in text, "once", text[-600:])


def report(tap, folder):
    """`report` leaves P0 to P3 on the volume, and the kernel all of it, on an internal disk too; a volume
    that cannot be written to is a line of each, and no more."""
    image = os.path.join(folder, "disk.img")
    volume.write(image, qemu.esp_files(qemu.Options(append="report")))
    text = boot_image(image, "handoff: no report", read_only=True)
    tap.check("loader: no report on the volume: write protected" in text and
              "handoff: no report on the volume: " in text, "a volume that is read-only is a line",
              text[-400:])
    record = left(tap, folder, image, boot_image(image, "Baton starts"), "loader")
    kinds = {entry["name"] for entry in record.entries} if record else set()
    tap.check({"entry_state", "map_first", "image", "call"} <= kinds and "exit_attempt" not in kinds,
              "the loader's is P0 to P3", kinds)
    record = left(tap, folder, image, boot_image(image, "handoff: wrote", devices=INTERNAL), "handoff")
    kinds = {entry["name"] for entry in record.entries} if record else set()
    tap.check({"entry_state", "image", "exit_attempt", "processor"} <= kinds,
              "the kernel's has what came after the exit", kinds)
    part = os.path.join(folder, "volume.img")
    with open(image, "rb") as whole, open(part, "wb") as file:
        file.write(whole.read()[1 << 20:-(1 << 20)])
    checked = subprocess.run(["fsck.vfat", "-n", part], capture_output=True, text=True, check=False)
    tap.check(checked.returncode == 0, "fsck.vfat is content", checked.stdout)


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
            report(tap, folder)
            full_volume(tap, folder)
            variable(tap, folder)

    return harness.main(test)


if __name__ == "__main__":
    sys.exit(main())
