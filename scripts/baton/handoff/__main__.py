"""scripts/handoff: judges, compares and shows records of handoffs."""
import argparse
import contextlib
import dataclasses
import os
import sys
import tempfile

from .. import boot, project, qemu
from . import difference, firmware, formats, page, secure_boot, tpm
from .records import Record, names
from .verdict import Allowed, Verdict

CANNOT = 126  # nothing was judged: scripts/README.md
RECORD_MAGIC = b"BATONREC"  # include/handoff_record.h

EPILOG = """Status 0: clean. 1: a finding at or above --fail-on, or with --diff a difference. 2: a finding
that the baseline does not have, or at more places. 126: nothing could be judged. OUT may be - for standard
output."""


class Parser(argparse.ArgumentParser):
    """Says what is wrong with an option in one line."""

    def error(self, message):
        print(f"baton: {message}", file=sys.stderr)
        sys.exit(CANNOT)


def parse(arguments):
    parser = Parser(prog="scripts/handoff", description=__doc__.partition(": ")[2], epilog=EPILOG)
    parser.add_argument(
        "firmware",
        nargs="?",
        metavar="FIRMWARE.fd[,VARS.fd]",
        help="boots it and judges its handoff; further options say how the machine is made",
    )
    parser.add_argument("--tpm", action="store_true", help="a TPM 2.0 in the machine (Debian's swtpm)")
    parser.add_argument("--secure-boot", action="store_true", help="with Debian's keys for tests: "
                        "variables that have them, a loader signed with them")
    parser.add_argument("--record", metavar="FILE", help="keeps the record of a boot there")
    parser.add_argument("--judge", nargs="+", metavar="FILE.rec", help="says what the audit finds")
    parser.add_argument("--diff", nargs=2, metavar=("A.rec", "B.rec"), help="what differs, by kind")
    parser.add_argument(
        "--page",
        metavar="OUT",
        help=(
            "with --judge, a page (HTML) of the first record as well; "
            "alone: the page of this record on standard output"
        ),
    )
    parser.add_argument(
        "--profile", default="uefi", metavar="minimal|uefi|emp", help="what is asked for (uefi)"
    )
    parser.add_argument("--json", metavar="OUT", help="findings, or differences, as JSON")
    parser.add_argument("--junit", metavar="OUT", help="findings as JUnit's XML")
    parser.add_argument("--sarif", metavar="OUT", help="findings as SARIF 2.1.0")
    parser.add_argument("--baseline", metavar="OLD.rec", help="only what is worse than this counts")
    parser.add_argument("--allow", metavar="FILE", help="findings that are known: scripts/README.md")
    parser.add_argument(
        "--fail-on",
        default="H",
        metavar="C|H|M|L",
        help="the least severity that counts (H)",
    )
    boot.add_machine_options(parser.add_argument_group("the machine, as with scripts/boot"))
    options = parser.parse_args(arguments)
    options.forms = sum(map(bool, (options.firmware, options.judge, options.diff)))
    return options


def write(path, content):
    if path == "-":
        sys.stdout.write(content)
        return
    try:
        with open(path, "w", encoding="utf-8") as file:
            file.write(content)
    except OSError as error:
        raise project.Failure(f"{path}: {error.strerror}") from error


def judge(options):
    allowed = Allowed(options.allow)
    baseline = Record(options.baseline) if options.baseline else None
    verdicts = [
        Verdict(Record(path), options.profile, allowed, options.fail_on, baseline)
        for path in options.judge
    ]
    outputs = [options.json, options.junit, options.sarif, options.page]
    if "-" not in outputs:
        print("\n".join(formats.text(verdicts)))
    for path, make in zip(
        outputs,
        (
            formats.as_json,
            formats.as_junit,
            formats.as_sarif,
            lambda all_of_them: page.make(all_of_them[0]),
        ),
    ):
        if path:
            write(path, make(verdicts))
    return max(verdict.status() for verdict in verdicts)


def diff(options):
    differences = difference.compare(*map(Record, options.diff), options.profile)
    if options.json:
        write(options.json, formats.json.dumps(differences, indent=1) + "\n")
    if options.json != "-":
        for line in difference.text(differences):
            print(line)
    return 1 if differences else 0


def show(options):
    write(
        "-",
        page.make(
            Verdict(Record(options.page), options.profile, Allowed(options.allow), options.fail_on)
        ),
    )
    return 0


def known(option, value, values):
    if value not in values:
        raise project.Failure(f"{option} {value}: it is one of {', '.join(values)}")


def machine_options(options):
    """Those of the options that say how the machine is made."""
    names = {field.name for field in dataclasses.fields(qemu.Options)}
    return qemu.Options(**{name: value for name, value in vars(options).items() if name in names})


# On q35 U-Boot scans the built-in AHCI, and no other disk.
BUILT_IN = "-device ide-hd,bus=ide.0,drive=disk,bootindex=0"


def put_disk_in_reach(made):
    """Where the firmware looks for a disk by itself."""
    code = made.firmware.partition(",")[0]
    if "q35" in made.machine and made.media == qemu.Options.media and os.path.isfile(code) and \
            b"U-Boot 20" in project.read(code):
        made.media, made.qemu = "none", [*made.qemu, BUILT_IN]


def is_record(path):
    """Was --judge meant?"""
    if not os.path.isfile(path):
        return False
    with open(path, "rb") as file:
        return file.read(len(RECORD_MAGIC)) == RECORD_MAGIC


def boot_and_judge(options):
    with tempfile.TemporaryDirectory(prefix="baton-handoff-") as folder:
        path = options.record or os.path.join(folder, "boot.rec")
        made = machine_options(options)
        put_disk_in_reach(made)
        with contextlib.ExitStack() as stack:
            if options.tpm:
                made.qemu = [*made.qemu, stack.enter_context(tpm.Tpm(folder)).arguments]
            if options.secure_boot:
                secure_boot.prepare(made, folder)
            status = firmware.record_to(path, made, partial=True)
        options.judge = [path]
        verdict = judge(options)
        return status or verdict


def run(options):
    known("--profile", options.profile, names()["profiles"])
    known("--fail-on", options.fail_on, names()["severities"])
    if options.forms > 1:
        raise project.Failure("one of FIRMWARE.fd, --judge, --diff, --page FILE.rec at a time")
    if [options.json, options.junit, options.sarif, options.page].count("-") > 1:
        raise project.Failure("only one of --json, --junit, --sarif, --page can go to standard output")
    if options.firmware and is_record(options.firmware):
        raise project.Failure(f"{options.firmware} is a record, no firmware: --judge {options.firmware}")
    if options.firmware:
        return boot_and_judge(options)
    if options.judge:
        return judge(options)
    if options.diff:
        return diff(options)
    if options.page:
        return show(options)
    raise project.Failure("nothing to do: scripts/handoff --help")


def main():
    options = parse(sys.argv[1:])
    try:
        return run(options)
    except firmware.NotRecorded as error:
        print(f"baton: {error}", file=sys.stderr)
        return error.status
    except (project.Failure, OSError) as error:
        print(f"baton: {project.explain(error)}", file=sys.stderr)
        return CANNOT


if __name__ == "__main__":
    sys.exit(main())
