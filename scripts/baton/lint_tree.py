"""What the rules of scripts/lint share: the files of the project, read once, and the findings."""
import collections
import os
import re
import subprocess

# `path` is relative to the project; `line` counts from 1, 0: the file as a whole.
Finding = collections.namedtuple("Finding", "path line text")

RULES = {}  # name -> function(tree) that yields findings; in the order in which they are told


def rule(function):
    """Makes a function a rule; its name, with dashes, is the rule's."""
    RULES[function.__name__.replace("_", "-")] = function
    return function


class Tree:
    """The files of a project. `build`: a build folder that meson has set up, or None."""

    def __init__(self, root, build=None):
        self.root = root
        self.build = build
        self.files = sorted(listed_by_git(root) or found_below(root))
        self._texts = {}

    def path(self, name):
        return os.path.join(self.root, name)

    def text(self, name):
        if name not in self._texts:
            with open(self.path(name), encoding="utf-8", errors="replace") as file:
                self._texts[name] = file.read()
        return self._texts[name]

    def lines(self, name):
        """(number, line) of each line."""
        return enumerate(self.text(name).splitlines(), 1)

    def select(self, *suffixes, under=""):
        return [name for name in self.files if name.startswith(under) and name.endswith(suffixes)]

    def scripts(self, interpreter):
        """Files without a suffix whose first line is a comment that names the interpreter."""
        first = re.compile(rf"#.*\b{interpreter}\b")
        return [name for name in self.files if "." not in os.path.basename(name)
                and first.match(self.text(name))]

    def folders(self):
        """Each folder that has files of its own, with their names; "" is the project's."""
        result = collections.defaultdict(list)
        for name in self.files:
            folder, file = os.path.split(name)
            result[folder].append(file)
        return result


def listed_by_git(root):
    command = ["git", "-C", root, "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    if not os.path.exists(os.path.join(root, ".git")):
        return []
    names = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    return [name for name in names.split("\0") if name and os.path.isfile(os.path.join(root, name))]


def found_below(root):
    for folder, folders, files in os.walk(root):
        folders[:] = [name for name in folders if name not in ("build", ".git", "__pycache__")]
        for name in files:
            yield os.path.relpath(os.path.join(folder, name), root)


# With our clang-format a function's body, and nothing else, begins with "{" alone at the left edge,
# and ends with "}". What stands before it, back to an empty line or another end, is its head.
HEAD_END = re.compile(r"^(|[}#/].*|.*;)$")
FUNCTION_NAME = re.compile(r"(\w+)\(")


def functions(text):
    """(name, first line, last line) of each function of a C file."""
    lines = text.splitlines()
    begin = None
    for number, line in enumerate(lines, 1):
        if line == "{":
            begin = number
        elif line.startswith("}") and begin is not None:
            head = begin - 1
            while head > 1 and not HEAD_END.match(lines[head - 2]):
                head -= 1
            name = FUNCTION_NAME.search(" ".join(lines[head - 1:begin - 1]))
            if name:
                yield name.group(1), head, number
            begin = None


def function_at(text, line):
    """The name of the function that a line is in; None: it is in none."""
    for name, first, last in functions(text):
        if first <= line <= last:
            return name
    return None
