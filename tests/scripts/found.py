#!/usr/bin/python3
"""What boot/found.md says would find a fault again is there: each file, each test, each check. Reads
sources only."""
import glob
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "boot"))
import harness  # noqa: E402
from baton import project  # noqa: E402

TABLE = os.path.join("tests", "boot", "found.md")
TEXT = re.compile(r"`([^`]+)`")


def rows(text):
    """(number, where, test, file, checks) of each row."""
    for line in text.splitlines():
        cells = [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if len(cells) == 7 and cells[0].isdigit():
            number, _, where, name, file, checks, _ = cells
            yield int(number), TEXT.findall(where), name, TEXT.findall(file), TEXT.findall(checks)


def read(path):
    with open(os.path.join(project.SOURCE, path), encoding="utf-8") as file:
        return file.read()


def tests():
    """The text of all meson.build of the tests, in which each test and group has its name."""
    return "".join(read(path) for path in glob.glob("tests/*/meson.build", root_dir=project.SOURCE))


def wrong(row, named):
    """What of a row is not there."""
    _, where, test, files, checks = row
    missing = [path for path in where + files if not os.path.exists(os.path.join(project.SOURCE, path))]
    if missing or not where or len(files) != 1 or not checks:
        return missing or ["no file or no check"]
    text = read(files[0])
    missing = [check for check in checks if check not in text]
    if not re.search(rf"'{re.escape(test)}(?:-'|')", named):
        missing.append(f"test {test}")
    return missing


def test(tap):
    named, table = tests(), list(rows(read(TABLE)))
    tap.check(len(table) > 100 and [row[0] for row in table] == list(range(1, len(table) + 1)),
              "rows are numbered one by one", len(table))
    for row in table:
        missing = wrong(row, named)
        if missing:
            tap.check(False, f"row {row[0]}: all that it names is there", *missing)
    tap.check(True, f"{len(table)} rows were read")
    true = (1, [TABLE], "lint", [os.path.join("tests", "scripts", "found.py")], ["rows are numbered"])
    tap.equal(wrong(true, named), [], "a true row passes")
    for name, row in (("a check", (*true[:4], ["no such " + "check"])),
                      ("a test", (*true[:2], "nosuch", *true[3:])),
                      ("a file", (*true[:3], ["tests/nosuch.c"], true[4])),
                      ("any check", (*true[:4], []))):
        tap.check(wrong(row, named), f"{name} that is not there is noticed")


if __name__ == "__main__":
    harness.main(test)
