#!/usr/bin/python3
"""Which machines of tests begin where the firmware of another one stopped (boot/started_firmware.py):
those, and only those, that are the same until the disk is read."""
import os
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "boot"))
import harness  # noqa: E402
import started_firmware  # noqa: E402
from baton import project, qemu  # noqa: E402

OTHERS = {
    "another disk's size": {"files": {"more": bytes(64 << 20)}},
    "memory": {"memory": "256M"},
    "processors": {"smp": 2},
    "another processor": {"cpu": "Haswell"},
    "another machine": {"machine": "pc"},
    "counted instructions": {"icount": True},
    "a screen": {"screen": True},
    "a device": {"qemu": ["-device edu"]},
}
PLAIN = {
    "another medium": {"media": "usb"},
    "sectors of 4,096 bytes": {"sector": 4096},
    "a firmware of its own": {"firmware": "/usr/share/ovmf/OVMF.fd"},
    "variables of its own": {"firmware": "/usr/share/OVMF/OVMF_CODE_4M.fd,/usr/share/OVMF/OVMF_VARS_4M.fd"},
    "a file of its own": {"qemu": ["-drive if=none,id=more,file=/dev/null"]},
    "a debugger": {"gdb": "/tmp/socket"},
    "a start that waits": {"qemu": ["-S"]},
}


def key(**options):
    with tempfile.TemporaryDirectory() as folder:
        return started_firmware.key(qemu.arguments(qemu.Options(**options), folder, ["true"]))


def firmware_of(folder):
    """The firmware as it would be after a change."""
    path = os.path.join(folder, "ovmf.fd")
    with open(path, "wb") as file:
        file.write(project.read(project.FIRMWARE) + b"\0")
    return path


def test(tap):
    one = key()
    tap.check(one, "a machine as usual is kept")
    tap.equal(key(append="quiet", debug_kernel=True, files={"more": b"more"}), one,
              "one of the same kind, whatever is on its disk")
    keys = {name: key(**options) for name, options in OTHERS.items()}
    for name, other in keys.items():
        tap.check(other and other != one and list(keys.values()).count(other) == 1, f"another one: {name}")
    for name, options in PLAIN.items():
        tap.equal(key(**options), None, f"not kept: {name}")
    with tempfile.TemporaryDirectory() as folder:
        project.FIRMWARE = firmware_of(folder)
        tap.check(key() not in (None, one), "another one: a changed firmware")


if __name__ == "__main__":
    sys.exit(harness.main(test))
