"""scripts/lint: checks style and structure; a line a finding, then a line a rule."""
import argparse
import os
import sys

from . import project
from . import lint_structure, lint_text, lint_language
from .lint_tree import RULES, Tree

SUBJECTS = (lint_structure, lint_text, lint_language)  # importing them made their rules


def parse(arguments):
    parser = argparse.ArgumentParser(
        prog="scripts/lint", description="Checks style and structure of the whole project.",
        epilog="rules: " + ", ".join(RULES))
    parser.add_argument("rules", nargs="*", metavar="RULE", help="only these")
    parser.add_argument("--list", action="store_true", help="says what each rule wants")
    parser.add_argument("--tap", action="store_true", help="reports as a test does")
    parser.add_argument("--later", action="append", default=[], metavar="RULE",
                        help="does not hold yet: its findings are told, and are no failure")
    parser.add_argument("--tree", default=project.SOURCE, metavar="DIR", help="another project")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.rules if name not in RULES]
    if unknown:
        parser.error(f"there is no rule {unknown[0]}")
    return options


def show(findings, prefix=""):
    for found in findings:
        line = f":{found.line}" if found.line else ""
        print(f"{prefix}{found.path}{line}: {found.text}")


def report(name, findings):
    show(findings)
    print(f"{name}: {len(findings)} findings" if findings else f"{name}: ok")


def report_tap(number, name, findings, later):
    todo = " # TODO does not hold yet" if later else ""
    print(f"{'not ok' if findings else 'ok'} {number} - {name}{todo}")
    show(findings, "# ")


def main():
    options = parse(sys.argv[1:])
    if options.list:
        for subject in SUBJECTS:
            print(subject.__doc__)
            for name, rule in RULES.items():
                if rule.__module__ == subject.__name__:
                    print(f"  {name:16} {rule.__doc__}")
        return 0
    tree = Tree(os.path.abspath(options.tree), project.BUILD)
    names = options.rules or list(RULES)
    failed = 0
    for number, name in enumerate(names, 1):
        findings = sorted(set(RULES[name](tree)))
        failed += bool(findings) and name not in options.later
        if options.tap:
            report_tap(number, name, findings, name in options.later)
        else:
            report(name, findings)
        sys.stdout.flush()
    if options.tap:
        print(f"1..{len(names)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
