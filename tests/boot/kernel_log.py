#!/usr/bin/python3
"""What the kernel says of itself: its log, trace=switch, calls that do not exist, a panic's
backtrace, /proc/baton."""
import re
import sys

import harness

LINE = re.compile(r"^\[ *(\d+\.\d{6})\] ([ -~]+)$")
SWITCH = re.compile(r"^switch: cpu \d+, thread (\d+) \(.*\) root (0x[0-9a-f]+) -> "
                    r"thread (\d+) \(.*\) root (0x[0-9a-f]+)$")
CHANGE = re.compile(r"^switch: thread (\d+) \(.*\) root (0x[0-9a-f]+) -> (0x[0-9a-f]+)$")
TWO_MISSING_CALLS = "busybox unshare -m true; busybox unshare -m true; exec /bin/exec_basic"


def kernel_lines(machine):
    """The kernel's lines without their times; the firmware's and the loader's left out."""
    lines = [LINE.match(line) for line in machine.log.lines]
    return [line[2] for line in lines if line]


def readable(tap):
    machine = harness.run(["sh", "-c", TWO_MISSING_CALLS])
    lines = machine.log.lines
    start = next((at for at, line in enumerate(lines) if "Baton starts" in line), len(lines))
    odd = [line for line in lines[start:] if line and not LINE.match(line)]
    tap.check(start < len(lines) and not odd, "each line of the log has its time, and only text",
              *odd, harness.describe(machine))
    times = [float(match[1]) for match in map(LINE.match, lines[start:]) if match]
    tap.check(times == sorted(times), "time goes forward", times)
    said = kernel_lines(machine)
    tap.check(4 < len(said) < 40, "a boot and its end are told in few lines", *said)
    missing = [line for line in said if "ENOSYS" in line]
    tap.check(len(missing) == 1 and "unshare" in missing[0],
              "a call that does not exist is told once, by its name", *said)
    tap.check(not any(line.startswith("switch:") for line in said), "switches are not told unasked")
    tap.equal([line for line in said if "console" in line], ["console: ttyS0"],
              "without a screen one line says what the console is")


def trace(tap):
    machine = harness.run(["/bin/exec_basic"], append="trace=switch")
    said = kernel_lines(machine)
    roots = {}  # of each thread, as it was told last
    wrong, changes, switches = [], 0, 0
    for line in said:
        switch, change = SWITCH.match(line), CHANGE.match(line)
        if switch:
            switches += 1
            for thread, root in ((switch[1], switch[2]), (switch[3], switch[4])):
                if thread != "0" and roots.setdefault(thread, root) != root:
                    wrong.append(line)
        elif change:
            changes += 1
            if roots.setdefault(change[1], change[2]) != change[2] or change[2] == change[3]:
                wrong.append(line)
            roots[change[1]] = change[3]
        elif line.startswith("switch:"):
            wrong.append(line)
    tap.check(switches >= 3, f"trace=switch logs thread, old and new root: {switches} switches",
              harness.describe(machine))
    # init → exec_basic → exec_target → the kernel's root at its end
    tap.check(changes >= 3, f"and each change of a thread's own root: {changes}", *said)
    tap.check(not wrong, "each switch goes to the root that the thread got last", *wrong)


def quiet(tap):
    machine = harness.run(["busybox", "dmesg"], append="quiet")
    said = [line for line in kernel_lines(machine) if line != "Baton starts"]
    tap.check(machine.status == 0 and not said, "quiet: a boot says nothing on the console", *said,
              harness.describe(machine))
    tap.check(b"clock:" in machine.output.data, "but the log has it", machine.output.data)


def panic(tap):
    machine = harness.run(["sh", "-c", "dmesg -n 1; echo c > /proc/sysrq-trigger"])
    text = machine.log.text()
    tap.equal(machine.status, 125, "a panic ends the machine with status 125, also when the console is quiet")
    calls = [name for name in ("system_request_store+0x", "pseudo_write+0x", "system_call_entry+0x")
             if not re.search(r"^\[[ 0-9.]+\]   [0-9a-f]{16}  " + re.escape(name), text, re.M)]
    tap.check(not calls, "its backtrace names the functions", "missing:", *calls, text)


def guarded(tap):
    """A debug kernel that uses what a lock guards without the lock says so."""
    machine = harness.run(["sh", "-c", "echo unlocked > /proc/baton/inject"], debug_kernel=True)
    text = machine.log.text()
    tap.check(machine.status == 125 and "process->limits is used by who does not hold its lock" in text,
              "a field that is used without its lock is named", machine.status, text)


def proc_baton(tap):
    names = ["frames", "threads", "cpus"]
    machine = harness.run(["cat", *(f"/proc/baton/{name}" for name in names)])
    lines = [line.split() for line in machine.output.data.decode().splitlines()]
    frame_lines, thread_lines, cpu_lines = (
        [line for line in lines if len(line) == fields] for fields in (2, 6, 4))
    if not tap.check(frame_lines and thread_lines and len(cpu_lines) == 1, "/proc/baton is there",
                     harness.describe(machine), lines):
        return
    frames = {owner: int(count) for owner, count in frame_lines}
    total = frames.pop("total", None)
    tap.check(total == sum(frames.values()) and frames["page_table"] and frames["page_cache"],
              "every frame has an owner", frames, total)
    # The reader is in both lists: its own root is the CPU's.
    threads = {fields[-1]: fields for fields in thread_lines}
    number, root, thread, name = cpu_lines[0]
    tap.check(number == "0" and name == "cat", "the processor's thread is the one that asks",
              cpu_lines)
    if tap.check("cat" in threads and "idle/0" in threads and "init" in threads,
                 "threads of programs and of the kernel are listed", thread_lines):
        tap.check(threads["cat"][0] == thread and threads["cat"][2] == threads["cat"][3] == root,
                  "CR3, the thread's root and its address space's are the same",
                  thread_lines, cpu_lines)
        tap.check(threads["idle/0"][3] == "-" and threads["idle/0"][2] != root,
                  "the idle thread carries the kernel's root", thread_lines)


def test(tap):
    readable(tap)
    trace(tap)
    quiet(tap)
    panic(tap)
    guarded(tap)
    proc_baton(tap)


if __name__ == "__main__":
    sys.exit(harness.main(test))
