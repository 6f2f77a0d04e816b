#!/usr/bin/python3
"""Counts what processes cost on Baton and on Debian's Linux, checks Baton's limits, makes the table.

usage: bench.py PLUGIN NAME=FILE...

Each FILE is laid in both guests as /bench/NAME; /bench/bench makes the measurements: once as they are,
once with PLUGIN (count.c), which counts atomics, fences and what else instructions hide. The table goes
to bench.md in the build folder, all figures to bench.json, a chart to bench.svg; and the table as remarks
to standard output.
"""
import json
import os
import re
import shutil
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "boot"))

import chart  # noqa: E402
import counts  # noqa: E402
import harness  # noqa: E402
from baton import project  # noqa: E402

# The same machine for both. TCG counts each step of a string instruction: a page cleared byte by
# byte (ERMS, which Linux prefers where it is there) would look eight times as dear as it is.
MACHINE = {"icount": True, "cpu": "max,la57=off,erms=off", "memory": "2G", "timeout": 900}

LIMITS = {  # guest instructions at most
    "exec": 18000,
    "exec_64k": 20000,
    "exec_1m": 20000,
    "exec_4m": 20000,
    "exec_16m": 20000,
    "vfork_exec_wait": 26000,
    "fork_exec_wait": 40000,
    "fork_exit_wait": 20000,
    "fork_resident_64m": 40000,
    "fork_resident_1g": 200000,
}
SIZES = ["exec_64k", "exec_1m", "exec_4m", "exec_16m"]  # may differ by so much of the least
SPREAD = 0.05

# What the table calls them; what is not here is not in it.
ROWS = {
    "getpid": "getpid",
    "yield_alone": "sched_yield alone",
    "yield_threads_2": "sched_yield between 2 threads",
    "yield_processes_2": "sched_yield between 2 processes",
    "yield_processes_64": "sched_yield among 64 processes",
    "read_zero": "read 1 byte of /dev/zero",
    "pipe_self": "1 byte into a pipe and out",
    "pipe_round_trip": "1 byte to another process and back",
    "pipe_64k": "64 KiB to another process",
    "signal_install": "sigaction",
    "signal_deliver": "kill, handler, return",
    "map_unmap": "mmap, munmap of a page",
    "map_touch_unmap": "the same, touched",
    "page_touch": "first touch of a page",
    "page_touch_copied": "first write after fork",
    "thread_create_join": "pthread create, join",
    "fork_exit_wait": "fork, exit, wait",
    "fork_exec_wait": "fork, exec, exit, wait",
    "vfork_exec_wait": "vfork, exec, exit, wait",
    "exec": "exec, 1 KiB file",
    "exec_64k": "exec, 64 KiB file",
    "exec_1m": "exec, 1 MiB file",
    "exec_4m": "exec, 4 MiB file",
    "exec_16m": "exec, 16 MiB file",
    "exec_musl": "exec with musl, start-up included",
    "exec_musl_pie": "the same, static PIE",
    "fork_resident_1m": "fork with 1 MiB resident",
    "fork_resident_16m": "fork with 16 MiB resident",
    "fork_resident_64m": "fork with 64 MiB resident",
    "fork_resident_1g": "fork with 1 GiB resident",
    "leaf_touch_copied": "first write to 2 MiB after fork, all of it resident",
    "fork_written_64m": "fork with 64 MiB resident, a write to each page",
}

# Of these kinds no operation may have one on Baton (counts.py).
NEVER = {
    "getpid": ["locked", "fence", "msr", "device", "tlb"],
    "read_zero": ["locked", "fence", "msr", "device", "tlb"],
    "pipe_round_trip": ["msr", "device"],
    "page_touch": ["msr", "device"],
}
NEARLY_NEVER = 0.05  # an interrupt of the timer may come in between

LINE = re.compile(r"^bench (\w+) (.*)$", re.MULTILINE)
FIELD = re.compile(r"(\w+)=(\S+)")


def measure(tap, kernel, root):
    """{name: {field: text}} of one boot, or {}."""
    machine = harness.run(["/bench/bench"], plain=True, root=[root], kernel=kernel, **MACHINE)
    good = machine.status == 0 and machine.cause is None
    tap.check(good, f"{kernel}: makes the measurements", harness.describe(machine))
    output = machine.output.data.decode("utf-8", "replace")
    return {name: dict(FIELD.findall(fields)) for name, fields in LINE.findall(output)}


def count(tap, kernel, root, plugin):
    """{name: {kind: an operation's}} of one more boot; what is missing is {}."""
    with tempfile.NamedTemporaryFile() as file:
        machine = harness.run(["/bench/bench"], root=[root], kernel=kernel, **MACHINE,
                              qemu=[f"-plugin {plugin},out={file.name},devices=on"])
        output = machine.output.data.decode("utf-8", "replace")
        made = [(name, float(dict(FIELD.findall(fields)).get("iterations", 1)))
                for name, fields in LINE.findall(output)]
        found = counts.of_measurements(file.name, made)
    tap.check(found, f"{kernel}: its instructions are counted by kind", harness.describe(machine))
    return found


def check_counts(tap, found):
    for name, kinds in NEVER.items():
        for kind in kinds:
            often = found.get(name, {}).get(kind, float("inf"))
            tap.check(often <= NEARLY_NEVER, f"{name}: none of this kind: {counts.KINDS[kind]}", often)


def check(tap, results):
    """Baton's limits."""
    costs = {name: float(fields["per_operation"]) for name, fields in results.items()
             if "per_operation" in fields}
    for name, limit in LIMITS.items():
        cost = costs.get(name, float("inf"))
        tap.check(cost <= limit, f"{name}: at most {limit:,} instructions", f"{cost:,.0f}")
    sizes = [costs.get(name, float("inf")) for name in SIZES]
    tap.check(max(sizes) <= min(sizes) * (1 + SPREAD),
              f"exec costs the same for files of all sizes, within {SPREAD:.0%}", sizes)
    for name in ROWS:
        frames = results.get(name, {}).get("frames")
        tap.check(frames == "same", f"{name}: frames by owner are the same at both ends", frames)


def counts_table(baton, linux):
    """What else an operation does, on Baton / on Linux."""
    lines = ["| an operation's, Baton / Linux | " + " | ".join(counts.KINDS) + " |",
             "|---|" + "--:|" * len(counts.KINDS)]
    for name, text in ROWS.items():
        pairs = [f"{baton.get(name, {}).get(kind, '?')} / {linux.get(name, {}).get(kind, '?')}"
                 for kind in counts.KINDS]
        lines.append(f"| {text} | " + " | ".join(pairs) + " |")
    return "\n".join(lines) + "\n"


def write(name, text):
    with open(os.path.join(project.BUILD, name), "w", encoding="utf-8") as file:
        file.write(text)


def rows_of_chart(baton, linux):
    return [(text, float(baton[name]["per_operation"]), float(linux[name]["per_operation"]))
            for name, text in ROWS.items()
            if "per_operation" in baton.get(name, {}) and "per_operation" in linux.get(name, {})]


def table(baton, linux):
    """Both as a Markdown table."""

    def cost(results, name):
        fields = results.get(name, {})
        if "per_operation" not in fields:
            return "failed"
        return f"{float(fields['per_operation']):,.0f}"

    lines = ["| guest instructions | Baton | Linux |", "|---|--:|--:|"]
    lines += [f"| {text} | {cost(baton, name)} | {cost(linux, name)} |"
              for name, text in ROWS.items()]
    return "\n".join(lines) + "\n"


def main():
    plugin = sys.argv[1]
    programs = dict(program.split("=", 1) for program in sys.argv[2:])

    def test(tap):
        with tempfile.TemporaryDirectory() as root:
            os.mkdir(os.path.join(root, "bench"))
            for name, path in programs.items():
                target = os.path.join(root, "bench", name)
                shutil.copyfile(path, target)
                os.chmod(target, 0o755)
            baton = measure(tap, "baton", root)
            check(tap, baton)
            linux = measure(tap, "linux", root)
            baton_counts = count(tap, "baton", root, plugin)
            check_counts(tap, baton_counts)
            linux_counts = count(tap, "linux", root, plugin)
        for name in ROWS:
            tap.check("per_operation" in linux.get(name, {}), f"{name}: Linux has a figure too",
                      linux.get(name))
        text = table(baton, linux) + "\n" + counts_table(baton_counts, linux_counts)
        write("bench.md", text)
        write("bench.json", json.dumps({"baton": baton, "linux": linux,
                                        "baton_counts": baton_counts,
                                        "linux_counts": linux_counts}, indent=1))
        write("bench.svg", chart.chart(rows_of_chart(baton, linux)))
        tap.note(text)

    harness.main(test)


if __name__ == "__main__":
    sys.exit(main())
