"""The suites of tests that meson knows: `suites.py [NAME...]` refuses names that are none of them.

meson itself takes any name, runs nothing and returns success. The list is its own
(meson-info/intro-tests.json), so it is never out of date.
"""
import json
import os
import sys

from . import project


def known():
    """The names of all suites, sorted."""
    path = os.path.join(project.BUILD, "meson-info", "intro-tests.json")
    with open(path, encoding="utf-8") as file:
        tests = json.load(file)
    return sorted({suite.rpartition(":")[2] for test in tests for suite in test["suite"]})


def main():
    suites = known()
    unknown = [name for name in sys.argv[1:] if name not in suites]
    if unknown:
        print(f"baton: no suite {' or '.join(unknown)}; there are: {' '.join(suites)}",
              file=sys.stderr)
    return int(bool(unknown))


if __name__ == "__main__":
    sys.exit(main())
