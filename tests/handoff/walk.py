#!/usr/bin/python3
"""The tables in docs/handoff.md: what records of OVMF and of U-Boot say at each step of the handoff, side by
side. As a test it boots both and checks that the page shows what they say; `--write` puts it there."""
import collections
import os
import re
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "boot"))
import harness  # noqa: E402
from baton import project, qemu  # noqa: E402
from baton.handoff import firmware  # noqa: E402
from baton.handoff.page_firmware import properties_text  # noqa: E402
from baton.handoff.page_machine import bit_names  # noqa: E402
from baton.handoff.page_memory import letters_of, run_bounds  # noqa: E402
from baton.handoff.page_parts import size_text  # noqa: E402
from baton.handoff.records import (  # noqa: E402
    Record, guid_name, letters, number, ranges, raw, service_name, type_name)

TEXT = os.path.join(project.SOURCE, "docs", "handoff.md")
BEGIN, END = "<!-- record: {}; tests/handoff/walk.py --write -->\n", "<!-- end -->\n"
OVMF = "/usr/share/OVMF/OVMF_"
MACHINES = {
    "OVMF": {"firmware": f"{OVMF}CODE_4M.fd,{OVMF}VARS_4M.fd"},
    "U-Boot": {"firmware": "/usr/lib/u-boot/qemu-x86_64/u-boot.rom", "machine": "pc"},
}
TIMEOUT = 300.0  # a busy host may take long; nothing here is about time
LASTING = (0, 5, 6, 9, 10, 11)  # what a firmware keeps: its amounts do not depend on the loader
NOT_THERE = "–"


# Each step's rows: (what, how a record says it).


def words(name):
    def say(record):
        state = record.first("entry_state")["fields"]
        return f"`{state[name]}` {bit_names(name, state[name])}"

    return say


def field(kind, form, *names):
    def say(record):
        entry = record.first(kind)
        return form.format(*(entry["fields"][name] for name in names)) if entry else NOT_THERE

    return say


def amounts(record):
    found = collections.Counter()
    for kind, base, end, _ in ranges(record.map_before()):
        if kind in LASTING:
            found[kind] += end - base
    return ", ".join(f"{type_name(kind)} {size_text(size)}" for kind, size in sorted(found.items()))


def descriptors(record):
    fields, bases = record.map_before()["fields"], [base for _, base, _, _ in ranges(record.map_before())]
    order = "ascending" if bases == sorted(bases) else "in no order"
    return f"{number(fields['descriptor_size'])} bytes each, version {fields['descriptor_version']}, {order}"


def rights(record):
    found = collections.Counter()
    for run in record.first("page_tables")["items"]:
        base, end = run_bounds(run)
        found[letters_of(run)[:3]] += end - base
    return ", ".join(f"`{letters}` {size_text(size)}" for letters, size in sorted(found.items()))


def configuration(record):
    named = [guid_name(item["guid"]) for entry in record.all("configuration") for item in entry["items"]]
    known = sorted(name for name in named if not re.match(r"[0-9a-f]{8}-", name))
    return ", ".join(known) + (f"; {len(named) - len(known)} more" if len(known) < len(named) else "")


def acpi(record):
    return " ".join(letters(raw(entry, 16)[:4]) for entry in record.all("acpi_table")) or NOT_THERE


def properties(record):
    tables = [entry for entry in record.all("vendor_table")
              if guid_name(entry["fields"]["guid"]) == "RT_PROPERTIES"]
    return properties_text(raw(tables[0], 32)) if tables else "no such table: all services"


def services(record):
    return ", ".join(sorted({service_name(entry["fields"]["service"]) for entry in record.all("call")}))


def status(value):
    return "`0`" if number(value) == 0 else f"`{value}`"


def attempts(record):
    return "; ".join(f"{entry['fields']['attempt']}: {status(entry['fields']['status'])}"
                     for entry in record.all("exit_attempt"))


def cleared(record):
    """The fields of the system table that the exit has to clear (UEFI 2.11, 7.4.6), and are not."""
    entry = record.first("system_table_after")
    table = raw(entry, 16)
    names = {40: "ConsoleInHandle", 48: "ConIn", 56: "ConsoleOutHandle", 64: "ConOut",
             72: "StandardErrorHandle", 80: "StdErr", 96: "BootServices"}
    left = [name for offset, name in names.items() if any(table[offset:offset + 8])]
    return f"kept: {', '.join(left)}" if left else "all seven pointers cleared"


def masters(record):
    found = [f"{item['bus']:02x}:{item['device_function'] >> 3:02x}.{item['device_function'] & 7}"
             for entry in record.all("pci_commands") for item in entry["items"] if item["command"] & 4]
    return " ".join(found) or "none"


def timer(record):
    """How the firmware left the interrupt of its clock."""
    entry = record.first("after_exit")
    if not entry:
        return NOT_THERE
    fields = entry["fields"]
    lines = int.from_bytes(bytes.fromhex(fields["pic_mask"]), "little")
    open_lines = [str(line) for line in range(16) if not lines >> line & 1]
    masked = "masked" if fields["lvt_timer"] >> 16 & 1 else "not masked"
    return f"local APIC's {masked}; 8259 lines open: {' '.join(open_lines) or 'none'}"


def answers(record):
    """Each runtime service that was called, with the statuses that it gave."""
    found = collections.defaultdict(set)
    for entry in record.all("runtime_call"):
        found[service_name(entry["fields"]["service"])].add(number(entry["fields"]["status"]) & 0xFFFF)
    return ", ".join(f"{name} {'/'.join(map(str, sorted(statuses)))}"
                     for name, statuses in sorted(found.items())) or NOT_THERE


STEPS = {
    "P0": [
        ("RFLAGS", words("rflags")),
        ("CR0", words("cr0")),
        ("CR4", words("cr4")),
        ("EFER", words("efer")),
        ("CR3", field("entry_state", "`{}`", "cr3")),
        ("APIC base", words("apic_base")),
        ("CS, SS, TR", field("entry_state", "{:#x}, {:#x}, {:#x}", "cs", "ss", "tr")),
        ("limits of GDT, IDT", field("entry_state", "{:#x}, {:#x}", "gdt_limit", "idt_limit")),
        ("x87, MXCSR (0: off)", field("entry_state", "{:#x}, {:#x}", "fcw", "mxcsr")),
    ],
    "P1": [
        ("descriptors", descriptors),
        ("what the firmware keeps", amounts),
        ("levels of paging", field("page_tables", "{}", "levels")),
        ("rights of its pages", rights),
    ],
    "P2": [
        ("firmware", lambda record: f"{record.firmware()}, UEFI {record.uefi_version()}"),
        ("configuration tables", configuration),
        ("ACPI", acpi),
        ("runtime services", properties),
        ("memory attribute protocol", field("memory_protection", "`{}`", "locate_status")),
        ("random numbers", field("random", "`{}`", "locate_status")),
    ],
    "P3": [("services that were called", services)],
    "P4": [("attempts: status", attempts)],
    "P5": [("system table", cleared), ("bus masters", masters), ("its clock's interrupts", timer)],
    "P6": [
        ("bytes of free memory that changed", field("canary", "{}", "changed")),
        ("runtime services: statuses", answers),
    ],
}


def table(step, records):
    head = f"| | {' | '.join(records)} |\n|---|{'---|' * len(records)}\n"
    return head + "".join(
        f"| {what} | {' | '.join(say(record) for record in records.values())} |\n"
        for what, say in STEPS[step]
    )


def record_of(name, folder):
    path = os.path.join(folder, f"{name}.rec")
    firmware.record_to(path, qemu.Options(timeout=TIMEOUT, **MACHINES[name]))
    return Record(path)


def with_tables(text, tables):
    """The page with these tables in their places."""
    for step, rows in tables.items():
        begin = BEGIN.format(step)
        before, _, rest = text.partition(begin)
        _, _, after = rest.partition(END)
        text = before + begin + rows + END + after
    return text


def read():
    with open(TEXT, encoding="utf-8") as file:
        return file.read()


def make():
    with tempfile.TemporaryDirectory() as folder:
        records = {name: record_of(name, folder) for name in MACHINES}
        return {step: table(step, records) for step in STEPS}


def write():
    text = with_tables(read(), make())
    with open(TEXT, "w", encoding="utf-8") as file:
        file.write(text)


def test(tap):
    text = read()
    for step, rows in make().items():
        shown = text.partition(BEGIN.format(step))[2].partition(END)[0]
        tap.check(rows == shown, f"docs/handoff.md shows what records say at {step}",
                  "tests/handoff/walk.py --write makes the tables again; the records say:", rows)


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        write()
    else:
        harness.main(test)
