#!/usr/bin/python3
"""Differences of real boots: two of one firmware have none, with addresses random or not; two firmwares
differ, and it is told in what."""
import os
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "boot"))
import harness  # noqa: E402
from walk import MACHINES, OVMF, TIMEOUT  # noqa: E402
from baton import qemu  # noqa: E402
from baton.handoff import difference, firmware  # noqa: E402
from baton.handoff.records import Record  # noqa: E402

BOOTS = {
    "OVMF": MACHINES["OVMF"],
    "OVMF again": {**MACHINES["OVMF"], "append": "nokaslr norandmaps"},
    "OVMF 2M": {"firmware": f"{OVMF}CODE.fd,{OVMF}VARS.fd"},
    "U-Boot": MACHINES["U-Boot"],
}


def record_of(name, folder):
    path = os.path.join(folder, name.replace(" ", "-") + ".rec")
    firmware.record_to(path, qemu.Options(timeout=TIMEOUT, **BOOTS[name]))
    return Record(path)


def test(tap):
    with tempfile.TemporaryDirectory() as folder:
        records = {name: record_of(name, folder) for name in BOOTS}
        first = records["OVMF"]
        told = {name: difference.compare(first, one, "uefi") for name, one in records.items()}
    tap.equal(told["OVMF again"], {}, "two boots of one firmware do not differ")
    tap.check({"memory", "images"} <= set(told["OVMF 2M"]) and "processor" not in told["OVMF 2M"],
              "OVMF of 2 and of 4 MiB: memory and images, not the processor", list(told["OVMF 2M"]))
    tap.check({"memory", "processor", "images", "tables", "findings"} <= set(told["U-Boot"]),
              "OVMF and U-Boot: what differs, by kind", list(told["U-Boot"]))
    processor = "\n".join(difference.text({"processor": told["U-Boot"]["processor"]}))
    tap.check("interrupts on" in processor and "interrupts off" in processor, "interrupts", processor)


if __name__ == "__main__":
    harness.main(test)
