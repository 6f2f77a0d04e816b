#!/usr/bin/python3
"""records.py OUT: writes the clean record and every broken one into one file, for
tests/unit/handoff/test_audit.c: each behind a head of check (0: all pass), size and a name of 72 bytes."""
import struct
import sys

import clean
from failures import FAILURES


def item(check, name, record):
    data = record.bytes()
    return struct.pack("<II72s", check, len(data), name.encode()) + data


def main():
    with open(sys.argv[1], "wb") as file:
        file.write(item(0, "clean", clean.clean()))
        for check, name, edit in FAILURES:
            record = clean.clean()
            edit(record)
            record.note(f"broken for check {check}: {name}")
            file.write(item(check, name, record))


if __name__ == "__main__":
    main()
