"""Counts the single checks of a run of `meson test` and closes it: `count.py STATUS FOLDER`.

STATUS is what meson returned, FOLDER where it left its account of this run and of no other one. A
test counts as the checks it reports in TAP, and one more if it broke off. What was skipped, or is
known to fail (TODO), counts as neither passed nor failed. A test that reports nothing has failed, and
so has a run that checked nothing.
"""
import glob
import json
import os
import re
import sys

CHECK = re.compile(r"^(ok|not ok)\b(.*)$", re.MULTILINE)


def count(result):
    """(passed, failed) of one line of meson's testlog.json."""
    reported = CHECK.findall(result.get("stdout") or "")
    checks = [kind for kind, text in reported
              if "# SKIP" not in text and not (kind == "not ok" and "# TODO" in text)]
    passed, failed = checks.count("ok"), checks.count("not ok")
    good = result["result"] in ("OK", "EXPECTEDFAIL", "SKIP")
    if not reported and good:
        print(f"baton: {result['name']}: reported no check", file=sys.stderr)
    if failed == 0 and not (good and reported):
        failed = 1
    return passed, failed


def counts(folder):
    """(passed, failed) of all the tests in the folder's testlog*.json."""
    passed = failed = 0
    logs = glob.glob(os.path.join(folder, "testlog*.json"))
    if not logs:
        raise OSError(f"{folder}: meson left no account of the run")
    for log in logs:
        with open(log, encoding="utf-8") as file:
            for line in file:
                more_passed, more_failed = count(json.loads(line))
                passed += more_passed
                failed += more_failed
    return passed, failed


def main():
    status, folder = int(sys.argv[1]), sys.argv[2]
    try:
        passed, failed = counts(folder)
    except (OSError, ValueError) as error:
        print(f"baton: {error}", file=sys.stderr)
        passed, failed = 0, 1
    if passed + failed == 0:
        print("baton: nothing was checked: every test was skipped, or there was none",
              file=sys.stderr)
        failed = 1
    print(f"{passed} passed, {failed} failed")
    return int(status != 0 or failed > 0)


if __name__ == "__main__":
    sys.exit(main())
