#!/usr/bin/python3
"""Runs the fuzzer of system calls (programs/call_fuzzer/call_fuzzer.c) and tells what the players did last.

usage: call_fuzzer.py [--smp N] [--kernel linux] [--seconds S] [--standstill S] PROGRAM
       call_fuzzer.py --mutation KERNEL --finds CHECK... PROGRAM

The guest's memory is a file. When the machine has died or stands still, the players' last calls are
read out of it, so that a run can be understood whatever became of the guest. With --mutation the
kernel is one with a fault put in: one of the named checks has to fail there.

CALL_FUZZER_SEED, CALL_FUZZER_SECONDS, CALL_FUZZER_ROUND and the others of call_fuzzer.c are taken
from the environment.
"""
import argparse
import mmap
import os
import re
import shutil
import struct
import sys
import tempfile

import harness

PAGE = 4096
MEMORY = 1 << 30
GIVEN_UP = 3  # times that a round may wait for what does not come
MARGIN = 240  # seconds for the boot, and for the last round to be ended
ENTRIES = 40
TOLD = 8  # calls of each player
MAGIC = struct.pack("<Q", 0x676E69725F6C6C61)
HEADER = struct.Struct("<QQIIIIIIQQQQQQ")
ENTRY = struct.Struct("<IIIIQQQQQQqQ")  # programs/call_fuzzer/call_fuzzer_shared.h
NUMBERS = "/usr/include/x86_64-linux-gnu/asm/unistd_64.h"
STANDS_STILL = "the machine lives on"


def call_names():
    with open(NUMBERS, encoding="ascii") as file:
        return {int(number): name for name, number in
                re.findall(r"^#define __NR_(\w+) (\d+)$", file.read(), re.MULTILINE)}


def named(line, names):
    return re.sub(r"\bcall (\d+)\(", lambda found: names.get(int(found[1]), found[1]) + "(", line)


def describe_ring(page, names):
    """A player's page: a line for it, one for each of its last calls, the last one first."""
    (_, _, slot, round_number, process, thread, team, depth, player_seed, count,
     *_) = HEADER.unpack_from(page)
    lines = [f"player {slot}: process {process}, thread {thread}, team {team}, round "
             f"{round_number}, in {depth} handlers, seed {player_seed:#x}"]
    for ordinal in range(count - 1, max(-1, count - 1 - TOLD), -1):
        entry = ENTRY.unpack_from(page, HEADER.size + ordinal % ENTRIES * ENTRY.size)
        _, _, number, done, *arguments, result, _ = entry
        lines.append(f"  {names.get(number, number)}({', '.join(map(hex, arguments))}) "
                     + (f"= {result}" if done else "did not return"))
    return lines


def last_calls(path, seed):
    """What the players did last, from the guest's memory."""
    names = call_names()
    wanted = MAGIC + struct.pack("<Q", seed)
    lines = []
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as memory:
        at = memory.find(wanted)
        while at >= 0:
            page = memory[at:at + PAGE]
            if at % PAGE == 0 and HEADER.unpack_from(page)[5] and HEADER.unpack_from(page)[9]:
                lines += describe_ring(page, names)
            at = memory.find(wanted, at + 16)
    return lines


def run(program, options, variables):
    """Returns the ended machine, and the players' last calls if it did not end by itself."""
    with tempfile.TemporaryDirectory() as folder:
        os.makedirs(os.path.join(folder, "root", "tests"))
        target = os.path.join(folder, "root", "tests", "call_fuzzer")
        shutil.copyfile(program, target)
        os.chmod(target, 0o755)
        memory = os.path.join(folder, "memory")
        options["qemu"] = [f"-object memory-backend-file,id=memory,size={MEMORY},"
                           f"mem-path={memory},share=on -machine memory-backend=memory"]
        machine = harness.run(["env", *variables, "/tests/call_fuzzer"],
                              root=[os.path.join(folder, "root")], **options)
        seed = re.search(rb"CALL_FUZZER_SEED=(0x[0-9a-f]+)", machine.output.data)
        lines = last_calls(memory, int(seed[1], 16)) if machine.cause and seed else []
    return machine, lines


def results_of(machine):
    """The notes and the checks, as (passed, name), that the guest printed."""
    names = call_names()
    notes, results = [], []
    for line in machine.output.data.decode("utf-8", "replace").splitlines():
        result = re.match(r"(ok|not ok) \d+ - (.*)", line)
        if result:
            results.append((result[1] == "ok", result[2]))
        elif line.startswith("#"):
            notes.append(named(line[2:], names))
    return notes, results


def fuzz(tap, program, options, variables):
    machine, lines = run(program, options, variables)
    notes, results = results_of(machine)
    for note in notes:
        tap.note(note)
    for passed, name in results:
        tap.check(passed, name)
    tap.check(machine.cause is None and results, STANDS_STILL, harness.describe(machine), *lines)


def mutation(tap, program, options, variables, expected):
    machine, lines = run(program, options, variables)
    notes, results = results_of(machine)
    failed = [name for passed, name in results if not passed]
    if machine.cause:
        failed.append(STANDS_STILL)
    for note in notes[:1] + notes[-3:]:
        tap.note(note)
    tap.check(set(failed) & set(expected), f"the fault is found: {' or '.join(expected)}",
              f"failed: {failed}", harness.describe(machine), *lines[:40])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--kernel", default="baton")
    parser.add_argument("--smp", type=int, default=4)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--standstill", type=int, default=20)
    parser.add_argument("--mutation", metavar="KERNEL")
    parser.add_argument("--finds", action="append", default=[], metavar="CHECK")
    parser.add_argument("program")
    arguments = parser.parse_args()
    settings = {"CALL_FUZZER_SECONDS": str(arguments.seconds),
                "CALL_FUZZER_STANDSTILL_MS": str(arguments.standstill * 1000)}
    settings.update({name: value for name, value in os.environ.items()
                     if name.startswith("CALL_FUZZER_")})
    variables = [f"{name}={value}" for name, value in settings.items()]
    options = {"kernel": arguments.kernel, "smp": arguments.smp, "debug_kernel": True,
               "timeout": int(settings["CALL_FUZZER_SECONDS"]) + MARGIN +
               GIVEN_UP * int(settings["CALL_FUZZER_STANDSTILL_MS"]) // 1000}
    if arguments.mutation:
        options["files"] = {"baton/kernel.elf": harness.built(arguments.mutation)}
        harness.main(lambda tap: mutation(tap, arguments.program, options, variables,
                                          arguments.finds))
    harness.main(lambda tap: fuzz(tap, arguments.program, options, variables))


if __name__ == "__main__":
    sys.exit(main())
