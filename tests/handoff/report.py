#!/usr/bin/python3
"""The report that a machine leaves on the volume it was started from.

usage: report.py [CASE...]     (report, full_volume, variable; all by default)
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "boot"))
import harness  # noqa: E402
from baton import qemu, volume  # noqa: E402
from baton.handoff.records import Record  # noqa: E402
from baton.machine import Machine  # noqa: E402

OVMF = "/usr/share/OVMF/OVMF_"
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


CASES = {"report": report, "full_volume": full_volume, "variable": variable}


def main():
    cases = sys.argv[1:] or list(CASES)

    def test(tap):
        for case in cases:
            with tempfile.TemporaryDirectory(prefix="baton-report-") as folder:
                CASES[case](tap, folder)

    return harness.main(test)


if __name__ == "__main__":
    sys.exit(main())
