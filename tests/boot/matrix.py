#!/usr/bin/python3
"""Boots one machine a row and runs exec_basic in it.

usage: matrix.py [--kernel linux] ROW...

A row is options of baton.qemu.Options joined by commas: memory=128M, machine=pc,media=sata.
"""
import argparse
import sys

import harness

FIRMWARE = {
    "OVMF": "/usr/share/ovmf/OVMF.fd",  # as Debian has it, with its wait for a TPM
    "OVMF_4M": "/usr/share/OVMF/OVMF_CODE_4M.fd,/usr/share/OVMF/OVMF_VARS_4M.fd",
}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--kernel", default="baton")
    parser.add_argument("rows", nargs="+", metavar="NAME=VALUE,...")
    arguments = parser.parse_args()

    def test(tap):
        for row in arguments.rows:
            options = dict(pair.split("=", 1) for pair in row.split(","))
            if "firmware" in options:
                options["firmware"] = FIRMWARE[options["firmware"]]
            machine = harness.run(["/bin/exec_basic"], kernel=arguments.kernel, **options)
            passed = (bytes(machine.output.data), bytes(machine.error.data), machine.status,
                      machine.cause) == (b"EXEC_OK\n", b"", 0, None)
            tap.check(passed, f"{row}: exec_basic runs and the machine powers off",
                      harness.describe(machine), harness.shorten(machine.output.data))

    harness.main(test)


if __name__ == "__main__":
    sys.exit(main())
