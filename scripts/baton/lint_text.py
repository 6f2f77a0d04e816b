"""Rules of texts: spelling, links, names that have moved on, READMEs that tell every file."""
import ast
import fnmatch
import os
import re
import subprocess

from .lint_tree import Finding, rule

# ---- spelling ----

# Words that codespell takes for others: IST (interrupt stack table), the constraint Nd, a file's name in
# /sys, a test's, parted's name of a table.
KNOWN_WORDS = "msdos,inflight,ist,nd,siz,inout,iff,te,ans,fo,hda,ot,sie,som,wont"


@rule
def spelling(tree):
    """codespell knows every word."""
    names = [name for name in tree.files if name != "LICENSE"]
    result = subprocess.run(["codespell", "-L", KNOWN_WORDS, *names], cwd=tree.root,
                            capture_output=True, text=True, check=False)
    for line in result.stdout.splitlines():
        found = re.match(r"(?:\./)?(.*?):(\d+): (.*)", line)
        if found:
            yield Finding(found.group(1), int(found.group(2)), found.group(3))


# ---- links ----

CODE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]\[]*\]\(([^)\s]+)\)")
QUOTED = re.compile(r"`([^`\n]+)`")


def prose(text):
    """The text without blocks of code, with its lines where they were."""
    return CODE.sub(lambda block: "\n" * block.group(0).count("\n"), text)


def anchors(text):
    """The names of a text's headings, as GitHub makes them."""
    for heading in re.findall(r"^#+ (.*?)\s*$", prose(text), re.MULTILINE):
        yield re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def link_fault(tree, name, target):
    path, _, anchor = target.partition("#")
    place = os.path.normpath(os.path.join(os.path.dirname(name), path)) if path else name
    if not os.path.exists(tree.path(place)):
        return f"{target}: there is no {place}"
    if anchor and place.endswith(".md") and anchor not in anchors(tree.text(place)):
        return f"{target}: {place} has no such heading"
    return None


@rule
def links(tree):
    """Links in Markdown lead to a file, and to a heading in it. (The network is not asked.)"""
    for name in tree.select(".md"):
        for number, line in enumerate(prose(tree.text(name)).splitlines(), 1):
            for target in LINK.findall(line):
                if re.match(r"\w+:", target):
                    continue
                fault = link_fault(tree, name, target)
                if fault:
                    yield Finding(name, number, fault)


# ---- names in texts ----

PLACEHOLDER = re.compile(r"[*<>…{}|$\[\]]|(?:^|[/_-])(?:NAME|FILE|DIR|GROUP|PID|N)(?![A-Za-z])")


def is_there(tree, folder, path):
    return any(os.path.exists(tree.path(os.path.normpath(os.path.join(place, path))))
               for place in (folder, "", "kernel"))


@rule
def paths(tree):
    """A path in a Markdown text that begins with a folder of the project, or a room, is there."""
    tops = {name.split("/")[0] for name in tree.files if "/" in name} | {".."}
    tops |= {name.split("/")[1] for name in tree.files if name.startswith("kernel/")}
    for name in tree.select(".md"):
        for number, line in enumerate(prose(tree.text(name)).splitlines(), 1):
            for quoted in QUOTED.findall(line):
                path = quoted.split(" ")[0].rstrip("/,.:")
                if path.split("/")[0] not in tops or "/" not in path or PLACEHOLDER.search(path):
                    continue
                if not is_there(tree, os.path.dirname(name), path):
                    yield Finding(name, number, f"there is no {path}")


CALL = re.compile(r"^(\w{4,})\(\)$")


def source_words(tree):
    words = set()
    for name in tree.select(".c", ".h", ".S", ".py"):
        words.update(re.findall(r"\w+", tree.text(name)))
    return words


@rule
def functions_told(tree):
    """A function that a text names, `like_this()`, exists."""
    words = source_words(tree)
    for name in tree.select(".md"):
        for number, line in enumerate(prose(tree.text(name)).splitlines(), 1):
            for quoted in QUOTED.findall(line):
                found = CALL.match(quoted)
                if found and found.group(1) not in words:
                    yield Finding(name, number, f"there is no {quoted} in the source")


# ---- invariants ----

INVARIANTS = "docs/architecture.md"
CITED = re.compile(r"\binvariants? (\d+)", re.IGNORECASE)


@rule
def invariants(tree):
    """An invariant that is cited by its number stands in docs/architecture.md."""
    known = set(re.findall(r"^### (\d+)\. ", tree.text(INVARIANTS), re.MULTILINE)) \
        if INVARIANTS in tree.files else set()
    for name in tree.select(".c", ".h", ".S", ".py", ".md", ".build"):
        for number, line in tree.lines(name):
            for cited in CITED.findall(line):
                if cited not in known:
                    yield Finding(name, number, f"cites invariant {cited}, which {INVARIANTS} "
                                                "does not have")


# ---- the handoff's versions ----

@rule
def handoff_version(tree):
    """CHANGELOG.md has a line for the version of the handoff."""
    header = "include/handoff.h"
    found = re.search(r"#define HANDOFF_VERSION (\d+)", tree.text(header)) \
        if header in tree.files else None
    if found and f"\n| {found.group(1)} |" not in tree.text("CHANGELOG.md"):
        yield Finding("CHANGELOG.md", 0, f"does not tell of version {found.group(1)} of the handoff")


# ---- READMEs ----

NOT_TOLD = ("README.md", "meson.build", "__init__.py")


def told(text):
    """What a README names, in backquotes or as a link, without its folder."""
    for quoted in QUOTED.findall(text) + LINK.findall(text):
        for word in re.split(r"[\s,]+", quoted):
            yield os.path.basename(word.rstrip("/").replace("\\", "/"))


def is_told(file, names):
    stem = os.path.splitext(file)[0]
    for name in names:
        pattern = name.replace("NAME", "*")
        if file in (name, stem) or fnmatch.fnmatch(file, pattern) and "*" in pattern:
            return True
        if stem in (name, os.path.splitext(name)[0]) and file.endswith((".c", ".h", ".S", ".py")):
            return True
    return False


def readme_above(tree, folder):
    """The README that tells of a folder's files: its own, or that of the next one above."""
    while True:
        readme = os.path.join(folder, "README.md")
        if readme in tree.files or not folder:
            return readme
        folder = os.path.dirname(folder)


@rule
def readmes(tree):
    """Each top-level folder has a README, and each README names every file that it is about."""
    for folder, files in sorted(tree.folders().items()):
        if not folder or folder.startswith("userspace/root"):
            continue
        top = folder.split("/")[0] + "/README.md"
        if top not in tree.files:
            yield Finding(top, 0, f"is missing; nothing tells of {os.path.join(folder, files[0])}")
            continue
        readme = readme_above(tree, folder)
        names = set(told(tree.text(readme)))
        for file in sorted(files):
            if file not in NOT_TOLD and not file.startswith(".") and not is_told(file, names):
                yield Finding(readme, 0, f"does not name {os.path.join(folder, file)}")


# ---- the table of tests ----

TEST_TABLE = "tests/README.md"
TESTS = ("tests/boot/programs/", "tests/unit/test_", "tests/unit/loader/test_",
         "tests/unit/memory/test_", "tests/unit/handoff/test_", "tests/fuzz/fuzz_")


@rule
def test_table(tree):
    """The table in tests/README.md names every test program, once, and none that is not there."""
    folder = os.path.dirname(TEST_TABLE)
    rows = [line for line in tree.text(TEST_TABLE).splitlines() if line.startswith("|")]
    named = {os.path.join(folder, quoted) for line in rows for quoted in QUOTED.findall(line)
             if quoted.startswith(("boot/", "unit/", "fuzz/")) and quoted.endswith(".c")}
    programs = {name for name in tree.select(".c") if name.startswith(TESTS)}
    for name in sorted(programs - named):
        yield Finding(TEST_TABLE, 0, f"does not name {name}")
    for name in sorted(named - set(tree.files)):
        yield Finding(TEST_TABLE, 0, f"names {name}, which is not there")
    places = {}  # in the machine all programs lie in one folder
    for name in sorted(programs):
        other = places.setdefault(os.path.basename(name), name)
        if other != name:
            yield Finding(name, 0, f"has the name of {other}; /tests has room for one")


# ---- rules and the tests that would notice ----

# Tables whose last column names tests: a file in backquotes, a case in quotes. "x …" is how some begin.
RULE_TABLES = {"loader/README.md": "## The rules",
               "kernel/firmware/README.md": "## What real firmware does wrong"}
CASE = re.compile(r'"([^"]+)"')


def case_texts(tree):
    """(texts, patterns) of the drivers in tests/boot and of C tests, of which cases' names are made; in a
    pattern what is filled in may be anything."""
    texts, patterns = [], []
    for name in tree.select(".py", under="tests/boot/"):
        for node in ast.walk(ast.parse(tree.text(name))):
            if isinstance(node, ast.JoinedStr):
                parts = [re.escape(part.value) if isinstance(part, ast.Constant) else ".*"
                         for part in node.values]
                texts += [part.value for part in node.values if isinstance(part, ast.Constant)]
                if len("".join(parts).replace(".*", "")) > 8:
                    patterns.append("".join(parts))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                texts.append(node.value)
    for name in tree.select(".c", under="tests/"):
        texts += CASE.findall(tree.text(name))
    return "\n".join(texts), [re.compile(pattern) for pattern in set(patterns)]


def rows_of(text, heading):
    """(line, last cell) of the table below a heading."""
    inside = False
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("#"):
            inside = line == heading
        elif inside and line.startswith("| ") and not line.startswith(("| |", "| rule |")):
            yield number, line.rstrip(" |").rpartition(" | ")[2]


@rule
def rules_tested(tree):
    """The tables of what firmware does wrong name, for each rule, a test that is there."""
    files = {os.path.basename(name) for name in tree.files if name.startswith("tests/")}
    texts, patterns = None, []
    for name, heading in RULE_TABLES.items():
        for number, cell in rows_of(tree.text(name), heading) if name in tree.files else ():
            if texts is None:
                texts, patterns = case_texts(tree)
            for file in QUOTED.findall(cell):
                if file.endswith((".c", ".py")) and os.path.basename(file) not in files:
                    yield Finding(name, number, f"names {file}, which is no test")
            for case in CASE.findall(cell):
                plain = case.replace("…", "").strip()
                if plain not in texts and not any(pattern.fullmatch(plain) for pattern in patterns):
                    yield Finding(name, number, f'names "{case}", which is no test')
            if not CASE.search(cell) and not QUOTED.search(cell):
                yield Finding(name, number, "names no test")
