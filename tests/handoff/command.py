#!/usr/bin/python3
"""scripts/handoff as a pipeline uses it: statuses, allow list, baseline, differences, JSON, JUnit, SARIF, the
page. Every record is made here; nothing is booted."""
import datetime
import html.parser
import json
import os
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "boot"))
import harness  # noqa: E402
import clean  # noqa: E402
import forms  # noqa: E402
from failures import FAILURES  # noqa: E402
from baton import project  # noqa: E402

try:
    import jsonschema
except ImportError:  # Debian: python3-jsonschema; not needed for anything else
    jsonschema = None

PROFILE = ("--profile", "emp")  # in which the clean record is clean


class Folder:
    """Records in a folder, and scripts/handoff run in it."""

    def __init__(self, path):
        self.path = path

    def name(self, file):
        return os.path.join(self.path, file)

    def write(self, file, content):
        with open(self.name(file), "wb") as opened:
            opened.write(content if isinstance(content, bytes) else content.encode())
        return self.name(file)

    def record(self, file, *broken):
        """The clean record with edits: (check, name) each."""
        record = clean.clean()
        for check, name, edit in FAILURES:
            if (check, name) in broken:
                edit(record)
        return self.write(file, record.bytes())

    def run(self, *arguments):
        environment = {**os.environ, "PYTHONPATH": os.path.join(project.SOURCE, "scripts")}
        return subprocess.run(
            [sys.executable, "-m", "baton.handoff", *arguments],
            capture_output=True,
            text=True,
            cwd=self.path,
            env=environment,
            check=False,
            timeout=120,
        )

    def text(self, file):
        with open(self.name(file), encoding="utf-8") as opened:
            return opened.read()


def statuses(tap, folder):
    good, bad = folder.record("good.rec"), folder.record("bad.rec", (30, "a disk"), (74, "not there"))
    worse = folder.record("worse.rec", (30, "a disk"), (63, "a fault"))

    def status(name, expected, *arguments):
        ended = folder.run(*arguments)
        tap.check(
            ended.returncode == expected,
            f"status {expected}: {name}",
            ended.returncode,
            ended.stdout,
            ended.stderr,
        )
        return ended

    status("clean", 0, "--judge", good, *PROFILE)
    status("a finding", 1, "--judge", bad, *PROFILE)
    status("one of several files", 1, "--judge", good, bad, *PROFILE)
    status("below --fail-on", 0, "--judge", bad, *PROFILE, "--fail-on", "C")
    status(
        "a low one at --fail-on L",
        1,
        "--judge",
        folder.record("low.rec", (19, "5 descriptors more")),
        *PROFILE,
        "--fail-on",
        "L",
    )
    status("as in the baseline", 0, "--judge", bad, *PROFILE, "--baseline", bad)
    status("worse than the baseline", 2, "--judge", worse, *PROFILE, "--baseline", bad)
    status(
        "fragmentation against the baseline",
        2,
        "--judge",
        folder.record("pieces.rec", (20, "in pieces")),
        *PROFILE,
        "--baseline",
        good,
        "--fail-on",
        "L",
    )
    whole = clean.clean().bytes()
    newer, damaged = whole[:8] + b"\2" + whole[9:], whole[:900] + b"????" + whole[904:]
    for name, arguments in (
        ("no such file", ["--judge", "nowhere.rec"]),
        ("nothing to do", []),
        ("no record", ["--judge", folder.write("elf", b"\x7fELF")]),
        ("cut off", ["--judge", folder.write("cut.rec", clean.clean().bytes()[:500])]),
        ("a newer one", ["--judge", folder.write("newer.rec", newer)]),
        ("a damaged one", ["--judge", folder.write("damaged.rec", damaged)]),
        ("empty", ["--judge", folder.write("empty.rec", b"")]),
        ("a folder", ["--judge", "."]),
        ("a baseline that is none", ["--judge", good, "--baseline", "empty.rec"]),
        ("two outputs at one place", ["--judge", good, "--json", "-", "--page", "-"]),
        ("no severity", ["--judge", good, "--fail-on", "X"]),
        ("two things at once", ["--judge", good, "--diff", good, bad]),
        ("an unknown option", ["--nonsense"]),
        ("profile", ["--judge", good, "--profile", "x"]),
        ("a firmware that is not there", ["OVMF.fd"]),
        ("a record for a firmware", [good]),
        ("no place to write", ["--judge", good, "--json", "no/where"]),
    ):
        ended = status(name, 126, *arguments)
        tap.check(
            ended.stderr.startswith("baton: ") and ended.stderr.count("\n") == 1,
            f"said in a line: {name}",
            ended.stderr,
        )


def allowed(tap, folder):
    bad = folder.record("bad.rec", (30, "a disk"))
    entry = '[[allow]]\ncheck = 30\nfirmware = "{}"\nuntil = {}\nreason = "bridge, issue 7"\n'
    later = datetime.date.today() + datetime.timedelta(days=2)
    earlier = datetime.date.today() - datetime.timedelta(days=1)
    for name, firmware, until, expected in (
        ("allowed", "Made by *", later, 0),
        ("no longer", "Made by *", earlier, 1),
        ("another firmware", "OVMF*", later, 1),
    ):
        ended = folder.run(
            "--judge", bad, *PROFILE, "--allow", folder.write("allow", entry.format(firmware, until))
        )
        tap.check(ended.returncode == expected, f"allow list: {name}", ended.stdout, ended.stderr)
    for wrong in ("[[allow]]\ncheck = 30\n", "not = [toml", entry.format("*", '"soon"')):
        ended = folder.run("--judge", bad, "--allow", folder.write("allow", wrong))
        tap.check(
            ended.returncode == 126 and "allow" in ended.stderr,
            "an allow list that is none",
            ended.stderr,
        )


def differences(tap, folder):
    good = folder.record("good.rec")
    bad = folder.record(
        "bad.rec", (47, "not NX_COMPAT"), (30, "a disk"), (60, "not supported, and answers")
    )
    ended = folder.run("--diff", good, good)
    tap.check(
        ended.returncode == 0 and not ended.stdout, "a record does not differ from itself", ended.stdout
    )
    ended = folder.run("--diff", good, bad, "--json", "-")
    told = json.loads(ended.stdout)
    tap.equal(
        (ended.returncode, sorted(told)),
        (1, ["devices", "findings", "images", "tables"]),
        "what differs, by kind",
    )
    told = folder.run("--diff", good, bad).stdout
    changed = "~ RuntimeDxe: characteristics 0x160 → characteristics 0x60"
    tap.check(changed in told, "what changed, in a line", told)
    moved = clean.clean()
    for entry in moved.all("image"):
        entry.fields["base"] += 0x1000000
    for entry in moved.all("acpi_table") + moved.all("vendor_table"):
        entry.fields["address"] += 0x100
    moved.first("entry_state").fields.update(rsp=clean.BOOT - 0x2000 + 8, cr3=clean.STACK + 0x8000)
    for name in ("map_first", "map_exit"):  # boot services used another amount of memory
        ranges = [
            (
                kind,
                base + (0x80000 if base == clean.BOOT else 0),
                end + (0x80000 if end == clean.BOOT else 0),
                rights,
            )
            for kind, base, end, rights in clean.MAP
        ]
        clean.set_map(moved.first(name), ranges)
    ended = folder.run("--diff", good, folder.write("moved.rec", moved.bytes()), "--json", "-")
    tap.equal(
        [kind for kind in json.loads(ended.stdout) if kind != "findings"],
        [],
        "other addresses are no difference",
    )


def outputs(tap, folder):
    bad = folder.record("bad.rec", (30, "a disk"), (63, "a fault"), (69, "no dbx"))
    ended = folder.run(
        "--judge",
        bad,
        folder.record("good.rec"),
        *PROFILE,
        "--json",
        "a.json",
        "--junit",
        "a.xml",
        "--sarif",
        "a.sarif",
    )
    tap.check(
        ended.returncode == 1 and "63" in ended.stdout, "all outputs at once, and text", ended.stderr
    )
    told = json.loads(folder.text("a.json"))
    tap.equal(
        [(one["status"], len(one["findings"])) for one in told["records"]], [(1, 74), (0, 74)], "JSON"
    )
    suites = ElementTree.fromstring(folder.text("a.xml"))
    tap.equal(forms.junit_wrong(suites), [], "JUnit is as its schemas want it")
    first = suites[0]
    tap.equal(
        (len(suites), first.get("tests"), first.get("failures"), len(first.findall("testcase/failure"))),
        (2, "74", "3", 3),
        "JUnit: suites, cases and failures agree",
    )
    tap.equal(forms.sarif_wrong(json.loads(folder.text("a.sarif"))), [], "SARIF is as its schema wants it")
    public_schemas(tap, folder, "a")
    run = json.loads(folder.text("a.sarif"))["runs"][0]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    tap.check(
        len(rules) == len(set(rules)) == 74
        and len(run["results"]) == 3
        and all(
            rules[one["ruleIndex"]] == one["ruleId"] and one["message"]["text"] and one["locations"]
            for one in run["results"]
        ),
        "SARIF: a rule a check, a result for what fails",
        run["results"],
    )


def schema_holds(schema, folder, name):
    """(Whether the output is as a public schema wants it, what is not.)"""
    if schema.endswith(".xsd"):
        ended = subprocess.run(["xmllint", "--noout", "--schema", schema, folder.name(f"{name}.xml")],
                               capture_output=True, text=True, check=False)
        return ended.returncode == 0, ended.stderr
    validator = jsonschema.Draft7Validator(json.loads(project.read(schema)))
    errors = [error.message for error in validator.iter_errors(json.loads(folder.text(f"{name}.sarif")))]
    return not errors, errors[:5]


def public_schemas(tap, folder, name):
    """The public schemas themselves, where they are: README.md says where they come from."""
    place = os.environ.get("PUBLIC_SCHEMAS")
    schemas_there = sorted(os.listdir(place)) if place else []
    if not schemas_there:
        tap.skip(f"{name}: JUnit and SARIF against their public schemas", "PUBLIC_SCHEMAS names no folder")
    for schema in schemas_there:
        holds, wrong = schema_holds(os.path.join(place, schema), folder, name)
        tap.check(holds, f"{name}: as {schema} wants it", wrong)


def known_outputs(tap, folder):
    """The same with an allow list and a baseline, of a file whose name is no plain one."""
    bad, good = folder.record("a bad & new.rec", (30, "a disk"), (74, "not there")), folder.record("good.rec")
    allowed = '[[allow]]\ncheck = 30\nfirmware = "*"\nuntil = 2999-01-01\nreason = "a < b"\n'
    folder.run("--judge", bad, *PROFILE, "--baseline", good, "--allow", folder.write("allow", allowed),
               "--junit", "b.xml", "--sarif", "b.sarif")
    told = json.loads(folder.text("b.sarif"))
    tap.equal(forms.junit_wrong(ElementTree.fromstring(folder.text("b.xml"))), [], "JUnit with exceptions")
    tap.equal(forms.sarif_wrong(told), [], "SARIF with exceptions")
    public_schemas(tap, folder, "b")
    states = [(one["baselineState"], len(one.get("suppressions", []))) for one in told["runs"][0]["results"]]
    tap.equal(states, [("new", 1), ("new", 0)], "SARIF: what is new, what is allowed")
    del told["runs"][0]["tool"]["driver"]["name"]
    told["runs"][0]["results"][0]["level"] = "fatal"
    tap.equal(len(forms.sarif_wrong(told)), 2, "and a log that is none is seen")


def schemas(tap, folder):
    if jsonschema is None:
        tap.skip("JSON against include/*.schema.json", "python3-jsonschema is not installed")
        return
    judge = os.path.join(project.BUILD, "scripts", "judge")
    path = folder.record("bad.rec", (63, "a fault"), (71, "none"))
    for name, command in (("record", ["record", path]), ("audit", ["audit", path, "uefi"])):
        with open(
            os.path.join(project.SOURCE, "include", f"{name}.schema.json"), encoding="utf-8"
        ) as file:
            schema = json.load(file)
        told = json.loads(subprocess.run([judge, *command], capture_output=True, check=True).stdout)
        errors = [error.message for error in jsonschema.Draft7Validator(schema).iter_errors(told)]
        tap.check(not errors, f"{name}.schema.json", *errors[:5])


class Page(html.parser.HTMLParser):
    """Collects what a page has: headings' identifiers, addresses it would fetch, elements left open."""

    VOID = {"meta", "br", "link", "img", "input", "hr"}

    def __init__(self, text):
        super().__init__()
        self.identifiers, self.fetched, self.open, self.wrong = [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.identifiers += [attributes["id"]] if "id" in attributes else []
        self.fetched += [
            value
            for name, value in attrs
            if name in ("src", "href", "srcset", "action") and not (value or "").startswith("#")
        ]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)


def pages(tap, folder):
    record = clean.clean()
    record.first("image").tail = record.first("image").tail.replace(b"BOOTX64.EFI", b"<script>.&'\"")
    hostile = folder.write("hostile.rec", record.bytes())
    empty = clean.clean()
    empty.entries = []
    for name, path in (
        ("a clean record", folder.record("good.rec")),
        ("names with markup", hostile),
        ("an empty record", folder.write("empty.rec", empty.bytes())),
        ("a failing one", folder.record("bad.rec", (30, "a disk"), (7, "two types"))),
    ):
        ended = folder.run("--page", path)
        page = Page(ended.stdout)
        sections = [
            "findings",
            "machine",
            "memory",
            "time",
            "pages",
            "calls",
            "tables",
            "images",
            "trust",
        ]
        tap.check(
            ended.returncode == 0 and [one for one in page.identifiers if one in sections] == sections,
            f"page of {name}: every section is there",
            ended.stderr,
        )
        tap.check(
            not page.fetched
            and "url(" not in ended.stdout
            and "<script" not in ended.stdout
            and "@import" not in ended.stdout,
            f"page of {name}: it fetches nothing",
            page.fetched,
        )
        tap.check(
            not page.open and not page.wrong, f"page of {name}: every element ends", page.open, page.wrong
        )
    for kind in sorted({entry.name for entry in clean.clean().entries}):
        record = clean.clean()
        record.remove(kind)
        for entry in record.entries[::2]:  # and with entries cut short
            entry.tail = entry.tail[:7]
        ended = folder.run("--page", folder.write("less.rec", record.bytes()))
        tap.check(ended.returncode == 0, f"page without {kind}", ended.stderr[-800:])
    check = re.search(r"id=check-07", folder.run("--page", folder.name("bad.rec")).stdout)
    tap.check(check, "a finding can be linked to")


def test(tap):
    for check in (statuses, allowed, differences, outputs, known_outputs, schemas, pages):
        with tempfile.TemporaryDirectory() as path:
            check(tap, Folder(path))


if __name__ == "__main__":
    harness.main(test)
