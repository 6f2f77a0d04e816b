"""Counts the single checks of the last `meson test`: `count.py STATUS`, and returns STATUS.

A test that speaks TAP counts as the checks it reports, and one more if it broke off; any other
counts as one.
"""
import glob
import json
import os
import re
import sys

from . import project

CHECK = re.compile(r"^(ok|not ok)\b(.*)$", re.MULTILINE)


def count(result):
    """(passed, failed) of one line of meson's testlog.json. Skipped checks are neither."""
    checks = [kind for kind, text in CHECK.findall(result.get("stdout") or "")
              if "# SKIP" not in text]
    passed, failed = checks.count("ok"), checks.count("not ok")
    good = result["result"] in ("OK", "EXPECTEDFAIL", "SKIP")
    if not checks:
        passed = int(good and result["result"] != "SKIP")
    if not good and failed == 0:
        failed = 1
    return passed, failed


def main():
    status = int(sys.argv[1])
    passed = failed = 0
    logs = glob.glob(os.path.join(project.BUILD, "meson-logs", "testlog*.json"))
    try:
        with open(max(logs, key=os.path.getmtime), encoding="utf-8") as file:
            for line in file:
                more_passed, more_failed = count(json.loads(line))
                passed += more_passed
                failed += more_failed
    except (OSError, ValueError) as error:
        print(f"baton: {error}", file=sys.stderr)
        failed += 1
    print(f"{passed} passed, {failed} failed")
    return status or int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
