#!/usr/bin/python3
"""docs/firmware-ci.md: every command in it is one that scripts/handoff accepts, the YAML is YAML, the allow
list is read, the statuses are those of the tool."""
import os
import re
import shlex
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "boot"))
import clean  # noqa: E402
import harness  # noqa: E402
from baton import machine, project  # noqa: E402
from baton.handoff import __main__ as command, verdict  # noqa: E402
from baton.handoff.records import Record  # noqa: E402

try:
    import yaml
except ImportError:  # Debian: python3-yaml; not needed for anything else
    yaml = None

TEXT = os.path.join(project.SOURCE, "docs", "firmware-ci.md")


def blocks(text):
    """(language, content) of each fenced block."""
    return re.findall(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def commands(text):
    """The arguments of each scripts/handoff in a block, joined over lines that go on."""
    joined = re.sub(r"\\\n\s*", " ", text)
    joined = re.sub(r"\n +--", " --", joined)
    for line in joined.splitlines():
        found = re.search(r"(?:^|[\s/])scripts/handoff (.*)$", line)
        if found:
            yield shlex.split(found[1])


def accepted(tap, text):
    given = [arguments for _, content in blocks(text) for arguments in commands(content)]
    tap.check(len(given) >= 8, "the page has commands", len(given))
    for arguments in given:
        try:
            options = command.parse(arguments)
            command.known("--profile", options.profile, command.names()["profiles"])
            command.known("--fail-on", options.fail_on, command.names()["severities"])
            wrong = options.forms != 1
        except (SystemExit, project.Failure) as error:
            wrong = error
        tap.check(not wrong, f"accepted: scripts/handoff {shlex.join(arguments)[:60]}", wrong)


def pipelines(tap, text):
    for language, content in blocks(text):
        if language != "yaml":
            continue
        if yaml is None:
            tap.skip("YAML", "python3-yaml is not installed")
            continue
        loaded = yaml.safe_load(content)
        steps = loaded.get("jobs", loaded)["handoff"]
        tap.check(steps.get("steps") or steps.get("script"), "a pipeline has steps", loaded)
        if "script" in steps:
            runs = steps["script"]
        else:
            runs = [step["run"] for step in steps["steps"] if "run" in step]
        mine = [line for line in runs if "scripts/handoff" in line]
        options = command.parse(next(commands(mine[0])))
        tap.check(len(mine) == 1 and options.baseline and options.allow and options.record,
                  "it runs the tool once, with a baseline and an allow list", mine)


def lists(tap, text):
    found = [content for _, content in blocks(text) if content.startswith("[[allow]]")]
    with tempfile.NamedTemporaryFile("w", suffix=".toml") as file:
        file.write(found[0])
        file.flush()
        items = verdict.Allowed(file.name).items
    tap.equal([item["check"] for item in items], [42], "the allow list is one")


def example(tap, text):
    """What the page shows as output has the titles that the audit has."""
    with tempfile.NamedTemporaryFile(suffix=".rec") as file:
        file.write(clean.clean().bytes())
        file.flush()
        findings = Record(file.name).findings()
    known = {f"{one['severity']} {one['check']:02d} {one['title']}" for one in findings}
    shown = re.findall(r"^([CHML] \d\d .*?)(?:  \(.*)?$", text, re.MULTILINE)
    tap.check(len(shown) >= 3 and known >= set(shown), "the example's findings are the audit's", shown)


def statuses(tap, text):
    told = [int(one) for one in re.findall(r"^\| (\d+) \|", text, re.MULTILINE)]
    known = [verdict.CLEAN, verdict.FOUND, verdict.WORSE, machine.TIMEOUT, machine.PANIC, machine.LOST]
    tap.equal(told, known, "the statuses are those of the tool")
    tap.equal(machine.LOST, command.CANNOT, "nothing judged and nothing recorded are one status")


def test(tap):
    with open(TEXT, encoding="utf-8") as file:
        text = file.read()
    for check in (accepted, pipelines, lists, example, statuses):
        check(tap, text)


if __name__ == "__main__":
    harness.main(test)
