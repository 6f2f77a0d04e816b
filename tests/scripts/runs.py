#!/usr/bin/python3
"""A run that tests nothing is a failure, at every place where one could slip through: names of suites
that do not exist, an account of the run that is not there or holds no check, programs that report
none, sources of tests that no list names."""
import contextlib
import glob
import io
import json
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "boot"))
import harness  # noqa: E402
import programs  # noqa: E402
from baton import suites  # noqa: E402

SOURCE = harness.project.SOURCE
ENVIRONMENT = {**os.environ, "BATON_BUILD": harness.project.BUILD}


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, check=False, env=ENVIRONMENT,
                          stdin=subprocess.DEVNULL)


def unknown_suites(tap):
    ended = run(os.path.join(SOURCE, "scripts", "test"), "unit", "nosuch")
    tap.check(ended.returncode == 126 and "no suite nosuch" in ended.stderr and
              all(f" {name}" in ended.stderr for name in suites.known()) and not ended.stdout,
              "scripts/test refuses a suite that does not exist, and tells the others",
              ended.returncode, ended.stdout, ended.stderr)
    ended = run(os.path.join(SOURCE, ".ci", "run"), "nosuch")
    tap.check(ended.returncode != 0 and ended.stdout == "0 passed, 1 failed\n",
              ".ci/run counts that as a failure", ended.returncode, ended.stdout, ended.stderr)
    tap.check(len(suites.known()) > 5 and "boot" in suites.known(), "the list is the build's",
              suites.known())
    told = run(os.path.join(SOURCE, "scripts", "test"), "--help").stdout
    tap.check(all(name in told for name in suites.known()), "scripts/test --help names them all",
              told)


def counted(*results):
    """(status, last line) of count.py for these tests, each (result, output); None: no account."""
    with tempfile.TemporaryDirectory() as folder:
        if results != (None,):
            with open(os.path.join(folder, "testlog.json"), "w", encoding="utf-8") as file:
                for result, stdout in results:
                    line = {"name": "test", "result": result, "stdout": stdout}
                    file.write(json.dumps(line) + "\n")
        ended = subprocess.run([sys.executable, "-m", "baton.count", "0", folder], text=True,
                               capture_output=True, check=False, cwd=os.path.join(SOURCE, "scripts"))
    return ended.returncode, ended.stdout.splitlines()[-1]


def counts(tap):
    nothing = (1, "0 passed, 1 failed")
    cases = [
        ("no account of the run", [None], nothing),
        ("no test", [], nothing),
        ("a test that says nothing", [("OK", "")], nothing),
        ("a plan of none", [("OK", "1..0\n")], nothing),
        ("everything skipped", [("SKIP", "ok 1 - a # SKIP b\n1..1\n")], nothing),
        ("a skipped check", [("OK", "ok 1 - a # SKIP b\nok 2 - c\n1..2\n")], (0, "1 passed, 0 failed")),
        ("what is known to fail", [("OK", "not ok 1 - a # TODO b\nok 2 - c\n1..2\n")],
         (0, "1 passed, 0 failed")),
        ("a test that broke off", [("ERROR", "ok 1 - a\n")], (1, "1 passed, 1 failed")),
        ("checks", [("OK", "ok 1 - a\nok 2 - b\n1..2\n"), ("FAIL", "not ok 1 - c\n1..1\n")],
         (1, "2 passed, 1 failed")),
    ]
    for name, results, expected in cases:
        tap.equal(counted(*results), expected, f"counted: {name}")


def reported(check):
    """What `check`, given a Tap, prints, and the status in which that ends."""
    with contextlib.redirect_stdout(io.StringIO()) as output:
        inner = harness.Tap()
        check(inner)
        status = inner.done()
    return output.getvalue(), status


def program(*lines):
    """The same of a program of tests/boot/programs that printed these lines and returned 0."""
    return reported(lambda inner: programs.report(inner, "program", lines, 0))


def reports(tap):
    cases = [
        ("a driver without a check", reported(lambda inner: None), 1),
        ("a program that plans none", program("1..0"), 1),
        ("a program that ends before its plan", program("ok 1 - a"), 1),
        ("a program that does less than it planned", program("1..2", "ok 1 - a"), 1),
        ("a program that does what it planned", program("1..1", "ok 1 - a"), 0),
        ("a program that only has a status", program(), 0),
    ]
    for name, (text, status), expected in cases:
        tap.check(status == expected, f"{name}: {'fails' if expected else 'passes'}", text)
    text, _ = program("1..1", "ok 1 - a # SKIP b")
    tap.equal(text.count("# SKIP"), 2, "a program that skips all of it has passed nothing")


def drivers(tap):
    """Started for nothing."""
    with tempfile.TemporaryDirectory() as folder:
        target = os.path.join(folder, "target")  # ends as libFuzzer does
        with open(target, "w", encoding="ascii") as file:
            file.write("#!/bin/sh\necho stat::number_of_executed_units: 0\n")
        os.chmod(target, 0o755)
        cases = [("programs.py without a program", ["tests/boot/programs.py", "+a=/bin/true"]),
                 ("a fuzz target that runs no time", ["tests/fuzz/run", target, "script", "0"]),
                 ("a fuzz target that is none", ["tests/fuzz/run", "/bin/true", "script", "10"])]
        for name, command in cases:
            ended = run(sys.executable, os.path.join(SOURCE, command[0]), *command[1:])
            tap.check(ended.returncode != 0 and "not ok" in ended.stdout, name, ended.returncode,
                      ended.stdout, ended.stderr)
    ended = run(sys.executable, os.path.join(SOURCE, "tests/boot/programs.py"), "x=/nosuch")
    tap.check(ended.returncode == 2 and ended.stderr.splitlines()[-1].endswith(
        "/nosuch: no such file"), "programs.py of a file that is not there", ended.returncode,
              ended.stderr)


def imported(folder):
    """What the Python files of a folder take from each other: that is run with them."""
    for path in glob.glob(os.path.join(SOURCE, folder, "*.py")):
        with open(path, encoding="utf-8") as file:
            yield from re.findall(r"^(?:import|from) (\w+)", file.read(), re.MULTILINE)


def listed(tap):
    """A test that lies there and that no meson.build names is never run."""
    for folder, pattern, prefix in (("tests/boot", "programs/*/*.c", ""), ("tests/unit", "test_*.c", "test_"),
                                    ("tests/fuzz", "fuzz_*.c", "fuzz_"), ("tests/peer", "*.txt", ""),
                                    ("tests/unit/loader", "test_*.c", "test_"),
                                    ("tests/unit/memory", "test_*.c", "test_"),
                                    ("tests/boot", "*.py", ""), ("tests/scripts", "*.py", "")):
        with open(os.path.join(SOURCE, folder, "meson.build"), encoding="utf-8") as file:
            text = file.read()
        names = [os.path.splitext(os.path.basename(path))[0]
                 for path in glob.glob(os.path.join(SOURCE, folder, pattern))]
        forgotten = [name for name in names if name not in imported(folder) and not re.search(
            rf"'(?:\S*/)?(?:{name}|{name.removeprefix(prefix)})(?:_(?:pie|dynamic|glibc))?(?:\.\w+)?'", text)]
        tap.check(names and not forgotten, f"{folder}/{pattern}: all {len(names)} are run", *forgotten)


def test(tap):
    for check in (unknown_suites, counts, reports, drivers, listed):
        check(tap)


if __name__ == "__main__":
    harness.main(test)
