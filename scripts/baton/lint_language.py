"""Rules that the languages' own tools check: C, the shell, Python."""
import json
import os
import re
import shlex
import subprocess
from concurrent.futures import ThreadPoolExecutor

from .lint_tree import Finding, rule

MESSAGE = re.compile(r"^([^:\n]+):(\d+):(?:\d+:?)? ?(.*)")


def run(tree, *command, folder=None):
    """What a command says, on either way out."""
    result = subprocess.run(command, cwd=folder or tree.root, capture_output=True, text=True,
                            check=False)
    return result.stdout + result.stderr


def messages(tree, output, kind="", folder=None):
    """Findings of "path:line:column: text", for lines that have `kind` in them. The command ran in
    `folder`, or in the tree's root."""
    for line in output.splitlines():
        found = MESSAGE.match(line)
        if found and kind in line:
            place = os.path.join(folder or tree.root, found.group(1))
            path = os.path.relpath(place, tree.root)
            yield Finding(path, int(found.group(2)), found.group(3))


def in_parts(items, count):
    return [part for part in (items[start::count] for start in range(count)) if part]


def side_by_side(items, work):
    """work(part) for parts of `items`, one for each processor; their results in one list."""
    parts = in_parts(items, os.cpu_count() or 1)
    with ThreadPoolExecutor(len(parts) or 1) as pool:
        return [result for results in pool.map(work, parts) for result in results]


# ---- C ----

@rule
def clang_format(tree):
    """C is formatted as .clang-format says."""
    def check(names):
        output = run(tree, "clang-format-14", "--dry-run", *names)
        return list(messages(tree, output, "warning: code should be"))
    yield from dict.fromkeys(
        Finding(found.path, found.line, "is not formatted (clang-format-14 -i)")
        for found in side_by_side(tree.select(".c", ".h"), check))


def compile_commands(tree):
    """One command for each C file that the build compiles, of a kernel with all checks on."""
    listed = subprocess.run(["ninja", "-C", tree.build, "-t", "compdb"], capture_output=True,
                            text=True, check=True).stdout
    commands = {}
    for entry in json.loads(listed):
        words = shlex.split(entry["command"])
        name = os.path.relpath(os.path.join(tree.build, entry["file"]), tree.root)
        if "-c" not in words or name not in tree.files or not name.endswith(".c"):
            continue
        commands[name] = max(commands.get(name, words), words, key=tells)
    return {name: without_output(words) for name, words in commands.items()}


def tells(words):
    """How much of a file a command shows: the kernel's more than a host test's, with all checks."""
    return "--target=x86_64-unknown-none-elf" in words, "-DDEBUG_CHECKS" in words


def without_output(words):
    """A compiler's arguments but for the files it writes."""
    kept = []
    skip = False
    for word in words:
        if not skip and word not in ("-MD", "-o", "-MF"):
            kept.append(word)
        skip = word in ("-o", "-MF")
    return kept


@rule
def clang_tidy(tree):
    """clang-tidy finds nothing of what .clang-tidy asks for."""
    commands = compile_commands(tree)
    database = os.path.join(tree.build, "lint")
    os.makedirs(database, exist_ok=True)
    with open(os.path.join(database, "compile_commands.json"), "w", encoding="utf-8") as file:
        json.dump([{"directory": tree.build, "file": tree.path(name), "arguments": words}
                   for name, words in commands.items()], file)

    def check(names):
        output = run(tree, "clang-tidy-14", "-p", database, "--quiet", *map(tree.path, names),
                     folder=tree.build)
        return list(messages(tree, output, " error: ", folder=tree.build))
    yield from dict.fromkeys(side_by_side(sorted(commands), check))


WARNINGS = ("-Wall", "-Wextra", "-Werror", "-Wshadow", "-Wvla", "-Wundef",
            "-Wimplicit-fallthrough", "-Wframe-larger-than=")


@rule
def warnings(tree):
    """The build has the compiler's warnings on, and takes them for errors."""
    text = "".join(map(tree.text, tree.select("meson.build")))
    for flag in WARNINGS:
        if f"'{flag}" not in text:
            yield Finding("meson.build", 0, f"{flag} is not among the compiler's warnings")


# ---- the shell ----

@rule
def shellcheck(tree):
    """shellcheck finds nothing in the shell scripts."""
    names = tree.scripts("sh") + tree.select(".sh")
    if names:
        output = run(tree, "shellcheck", "--format=gcc", "--external-sources",
                     "--source-path=SCRIPTDIR", *names)
        yield from messages(tree, output)


# ---- Python ----

def python_files(tree):
    return tree.select(".py") + tree.scripts("python3")


@rule
def pyflakes(tree):
    """pyflakes finds nothing in the Python files."""
    yield from messages(tree, run(tree, "pyflakes3", *python_files(tree)))


@rule
def pycodestyle(tree):
    """Python is laid out as PEP 8 says, with lines of up to 110 characters."""
    output = run(tree, "pycodestyle", "--max-line-length=110", *python_files(tree))
    yield from messages(tree, output)
