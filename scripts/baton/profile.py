"""scripts/boot --profile: where the instructions of a command go, counted exactly.

QEMU counts each instruction between the marks that init sets around the command (tests/bench/count.c);
here they are added up by function.
"""
import bisect
import collections
import os
import subprocess
import sys
import tempfile

from . import project

PLUGIN = os.path.join(project.BUILD, "tests", "bench", "count.so")
KERNEL_BASE = 0xffffffff80000000  # with nokaslr
USER_END = 1 << 47
PROGRAMS = "(programs)"
LEAST_SHARE = 0.002  # what has less is not told


def kernel_of(options):
    name = "kernel-debug.elf" if options.debug_kernel else "kernel.elf"
    return os.path.join(project.BUILD, "kernel", name)


def symbols(elf):
    """[(address, name)] of its functions, in order."""
    listed = subprocess.run(["nm", "-n", elf], capture_output=True, text=True, check=True).stdout
    lines = [line.split() for line in listed.splitlines()]
    # A static function that ThinLTO has moved is called NAME.llvm.123.
    found = [(int(line[0], 16), line[2].split(".")[0])
             for line in lines if len(line) == 3 and line[1] in "tT"]
    return [symbol for symbol in found if symbol[1] != "kernel_image_start"]


def functions(output, elf):
    """{function: instructions} of the plugin's output."""
    known = symbols(elf)
    addresses = [address for address, _ in known]
    result = collections.Counter()
    with open(output, encoding="ascii") as file:
        for line in file:
            words = line.split()
            if words[0] in ("section", "group"):
                continue
            address, count = int(words[0], 16), int(words[1])
            if address < USER_END:
                result[PROGRAMS] += count
                continue
            place = bisect.bisect(addresses, address - KERNEL_BASE) - 1
            result[known[place][1] if place >= 0 else "(elsewhere)"] += count
    return result


def tell(counts):
    total = sum(counts.values())
    if not total:
        print("baton: nothing was counted: the command did not begin and end", file=sys.stderr)
        return
    print(f"{total:,} instructions", file=sys.stderr)
    for name, count in counts.most_common():
        if count >= total * LEAST_SHARE:
            print(f"{count:14,} {count / total:6.1%}  {name}", file=sys.stderr)


def boot(options, command, boot_command):
    """As boot_command(options, command), and tells afterwards on standard error."""
    if not os.path.exists(PLUGIN):
        raise project.Failure(f"{PLUGIN} is not there: ninja -C build tests/bench/count.so")
    options.icount = True
    options.append = f"{options.append} nokaslr".strip()
    with tempfile.NamedTemporaryFile(prefix="baton-profile-") as output:
        options.qemu = options.qemu + [f"-plugin {PLUGIN},out={output.name}"]
        result = boot_command(options, command)
        tell(functions(output.name, kernel_of(options)))
    return result
