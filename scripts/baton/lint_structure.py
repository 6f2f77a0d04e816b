"""Rules of structure: which room may include what, who writes CR3, where assembly is, how long."""
import ast
import os
import re

from .lint_tree import Finding, function_at, functions, rule

# ---- layering ----

ORDER_FILE = "kernel/README.md"  # the one place where the order of the rooms stands
INCLUDE = re.compile(r'^\s*#\s*include\s*[<"](\w+)/')
# The order: rooms in backquotes, an arrow between steps; rooms of one step do not know each other.
ARROWS = re.compile(r"(?:`\w+`(?:, )?)+(?: → (?:`\w+`(?:, )?)+){3,}")


def room_order(text):
    """{room: rank} by the first chain of arrows in `text`; the lowest room has rank 0."""
    chain = ARROWS.search(" ".join(line.lstrip("> ") for line in text.splitlines()))
    steps = chain.group(0).split(" → ") if chain else []
    return {room: rank for rank, step in enumerate(reversed(steps))
            for room in re.findall(r"`(\w+)`", step)}


@rule
def layering(tree):
    """A room includes headers of lower rooms only; the order stands in kernel/README.md."""
    ranks = room_order(tree.text(ORDER_FILE)) if ORDER_FILE in tree.files else {}
    if not ranks:
        yield Finding(ORDER_FILE, 0, "the order of the rooms (`a` → `b` → …) is missing")
        return
    for name in tree.select(".c", ".h", ".S", under="kernel/"):
        room = name.split("/")[1]
        if room not in ranks:
            yield Finding(name, 0, f"room {room} is not in the order of {ORDER_FILE}")
            continue
        for number, line in tree.lines(name):
            found = INCLUDE.match(line)
            other = found and found.group(1)
            if other in ranks and other != room and ranks[other] >= ranks[room]:
                yield Finding(name, number, f"{room} includes a header of {other}, a room that is "
                                            "not below it")
    for name in tree.select(".c", ".h", ".S", under="loader/"):
        for number, line in tree.lines(name):
            found = INCLUDE.match(line)
            if found and found.group(1) in ranks and found.group(1) != "library":
                yield Finding(name, number, f"the loader includes a header of {found.group(1)}; "
                                            "only library is for it")


@rule
def order_told_twice(tree):
    """Where another text tells the order of the rooms, it tells the same."""
    ranks = room_order(tree.text(ORDER_FILE)) if ORDER_FILE in tree.files else {}
    for name in tree.select(".md"):
        told = room_order(tree.text(name))
        if "thread" in told and "library" in told and told != ranks:
            yield Finding(name, 0, f"tells another order of the rooms than {ORDER_FILE}")


# Calls from a lower room to a higher one: asked in the room's hooks.h, answered in one file, and told
# in one table.
HOOKS_ANSWERS, HOOKS_TOLD = "kernel/start/hooks.c", "kernel/README.md"
HOOKS_HEADER = re.compile(r"kernel/(\w+)/hooks\.h")
HOOKS_ELSEWHERE = re.compile(r"^(?:extern .*\(\*\w+\)\(|(?:extern )?(?:const )?struct \w+_hooks \{)",
                             re.MULTILINE)
HOOK = re.compile(r"^    .*\(\*(\w+)\)\(", re.MULTILINE)


@rule
def hooks(tree):
    """A room calls up by its hooks.h only; each hook is answered and is in kernel/README.md."""
    answers, told = (tree.text(name) if name in tree.files else ""
                     for name in (HOOKS_ANSWERS, HOOKS_TOLD))
    for name in tree.select(".h", under="kernel/"):
        header = HOOKS_HEADER.fullmatch(name)
        text = tree.text(name)
        if not header and HOOKS_ELSEWHERE.search(text):
            yield Finding(name, 0, "a call up to another room that is not in the room's hooks.h")
        for hook in HOOK.findall(text) if header else ():
            table = f"{header.group(1)}_hooks"
            answer = re.search(rf"struct {table} {table} = {{.*?^}};", answers, re.DOTALL | re.MULTILINE)
            if not answer or f".{hook} = " not in answer.group(0):
                yield Finding(name, 0, f"{HOOKS_ANSWERS} does not say who answers {table}.{hook}")
            if f"`{table}.{hook}`" not in told:
                yield Finding(name, 0, f"`{table}.{hook}` is not in the table of {HOOKS_TOLD}")


# ---- CR3 (docs/architecture.md, invariant 1) ----

CR3_WRITE = re.compile(r"\bcr3_write\(|,\s*%{1,2}cr3\b|\$cr3\s*=")
# (file, function or None in assembly): how many writes stand there
CR3_WRITERS = {
    ("kernel/thread/context_switch.S", None): 1,
    ("kernel/thread/scheduler.c", "thread_set_root"): 1,
    ("kernel/cpu/registers.h", "cr3_write"): 2,  # its definition: the head and the instruction
    ("kernel/start/main.c", "enter_own_tables"): 2,
    ("kernel/start/other_cpus.c", "processor_main"): 1,
    ("kernel/cpu/start_cpu.S", None): 1,
    ("loader/jump.S", None): 2,  # on the way from the firmware's tables, before there is a kernel
}


@rule
def cr3(tree):
    """CR3 is written in context_switch.S, thread_set_root() and start-up code only."""
    counts = {}
    for name in tree.select(".c", ".h", ".S"):
        if name.startswith("tests/"):
            continue
        text = tree.text(name)
        for number, line in tree.lines(name):
            if CR3_WRITE.search(line):
                place = (name, None if name.endswith(".S") else function_at(text, number))
                counts[place] = counts.get(place, 0) + 1
                if counts[place] > CR3_WRITERS.get(place, 0):
                    yield Finding(name, number, "writes CR3; only context_switch.S, "
                                                "thread_set_root() and start-up code do")


# ---- assembly ----

INLINE = re.compile(r'\b(?:__asm__|asm)\b(?:\s+(?:volatile|goto))*\s*\(\s*("[^"]*")?')
ASSEMBLY_FILES = ("kernel/cpu/", "kernel/thread/context_switch.S", "kernel/start/entry.S",
                  "loader/", "tests/", "userspace/")
# Inline assembly outside kernel/cpu, with the reason.
INLINE_PLACES = {
    "kernel/library/string.c": "rep movsq, rep stosq",
    "kernel/thread/thread.h": "thread_current(): one load from GS",
    "kernel/process/vdso/calls.c": "program code: syscall, lsl",
    "include/instructions.h": "what loader and kernel both use",
    "loader/processor.h": "what only the loader uses",
}


# What asks or changes the processor as assembly does; CR3 has a rule of its own.
MACHINE = re.compile(r"\b(?:cpuid|msr_read|msr_write|cr[0-24-9]_(?:read|write))\(")


def may_have_assembly(name):
    return name.startswith(("kernel/cpu/", "tests/", "userspace/")) or name in INLINE_PLACES


@rule
def assembly(tree):
    """Assembly, CPUID, MSRs and control registers: in kernel/cpu and a few places that are listed."""
    for name in tree.select(".S", ".s"):
        if not name.startswith(ASSEMBLY_FILES):
            yield Finding(name, 0, "assembly outside kernel/cpu, context_switch.S and entry.S")
    for name in tree.select(".c", ".h"):
        if may_have_assembly(name):
            continue
        for number, line in tree.lines(name):
            found = INLINE.search(line)
            if found and found.group(1) != '""':  # an empty one is a barrier for the compiler
                yield Finding(name, number, "inline assembly outside kernel/cpu")
            if name.startswith("kernel/") and MACHINE.search(line):
                yield Finding(name, number, "asks or changes the processor outside kernel/cpu")


# ---- length ----

FILE_LINES = 800
FUNCTION_LINES = 80
FOLDER_FILES = 25
EXCUSES = "Long on purpose"  # a heading in the folder's README: what is longer, and why


def excused(tree, folder):
    """What the folder's README, or that of one above, names under "Long on purpose"."""
    while True:
        readme = os.path.join(folder, "README.md")
        if readme in tree.files:
            part = re.split(rf"^#+ {EXCUSES}\s*$", tree.text(readme), flags=re.MULTILINE)
            return set(re.findall(r"`([^`]+)`", re.split(r"^#", part[1], flags=re.MULTILINE)[0])
                       ) if len(part) > 1 else set()
        if not folder:
            return set()
        folder = os.path.dirname(folder)


def python_functions(text):
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.name, node.lineno, node.end_lineno


@rule
def length(tree):
    """No file over 800 lines, no function over 80, but with a reason in the folder's README."""
    for name in tree.select(".c", ".h", ".S", ".py"):
        folder, file = os.path.split(name)
        text = tree.text(name)
        lines = text.count("\n")
        if lines > FILE_LINES and file not in excused(tree, folder):
            yield Finding(name, 0, f"{lines} lines; more than {FILE_LINES} want a reason under "
                                   f'"{EXCUSES}" in the folder\'s README')
        of_language = python_functions if name.endswith(".py") else functions
        for function, first, last in of_language(text):
            if (last - first + 1 > FUNCTION_LINES
                    and not {function, f"{function}()"} & excused(tree, folder)):
                yield Finding(name, first, f"{function}() has {last - first + 1} lines; more than "
                                           f'{FUNCTION_LINES} want a reason under "{EXCUSES}"')


@rule
def crowding(tree):
    """No folder of more than 25 files, but with a reason in its README, under `FOLDER/`."""
    for folder, files in sorted(tree.folders().items()):
        count = len([file for file in files if file not in ("README.md", "meson.build")])
        if count > FOLDER_FILES and f"{os.path.basename(folder)}/" not in excused(tree, folder):
            yield Finding(os.path.join(folder, "README.md"), 0,
                          f"{count} files in the folder; more than {FOLDER_FILES} want a reason under "
                          f'"{EXCUSES}"')
