#!/usr/bin/python3
"""Which files of the kernel need each other in a ring, by the symbols of their objects: none of
different rooms, and in a room those that its README names under "Circles", each with its reason."""
import collections
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "boot"))
import harness  # noqa: E402
from baton import project  # noqa: E402

KERNEL = os.path.join(project.SOURCE, "kernel")
ANSWERS = "start/hooks.c"  # calls up go through it: without it they are no circles


def objects(folder):
    """{source, below kernel/: its object}; an object without a source is a build's of yesterday."""
    paths = (os.path.join(below, name) for below, _, names in os.walk(folder) for name in names)
    sources = {os.path.relpath(path, folder)[:-2]: path for path in paths if path.endswith(".o")}
    return {source: path for source, path in sources.items()
            if os.path.exists(os.path.join(KERNEL, source)) and source != ANSWERS}


def uses(sources):
    """{source: the sources whose functions and variables it uses}."""
    defined, wanted = {}, collections.defaultdict(set)
    named = {path: source for source, path in sources.items()}
    listed = subprocess.run(["nm", "-P", "-g", "-A", *named], capture_output=True, text=True, check=True)
    for line in listed.stdout.splitlines():
        path, _, rest = line.partition(": ")
        source, (symbol, kind, *_) = named[path], rest.split()
        if kind == "U":
            wanted[source].add(symbol)
        else:
            defined[symbol] = source
    return {source: {defined[symbol] for symbol in symbols & defined.keys()} - {source}
            for source, symbols in wanted.items()}


def reached(graph, start):
    seen, left = set(), [start]
    while left:
        new = graph.get(left.pop(), set()) - seen
        seen |= new
        left += new
    return seen


def circles(graph):
    """Sets of files each of which needs all the others, directly or through them."""
    reach = {source: reached(graph, source) for source in graph}
    return {frozenset(other for other in reach[source] if source in reach.get(other, ()))
            for source in graph if source in reach[source]}


def room(source):
    return source.split("/")[0]


def named(name):
    """The circles that the room's README names: points of a list that begin with the files."""
    with open(os.path.join(KERNEL, name, "README.md"), encoding="utf-8") as file:
        part = re.search(r"^## Circles$(.*?)(?=^## |\Z)", file.read(), re.DOTALL | re.MULTILINE)
    points = re.split(r"^- ", part.group(1), flags=re.MULTILINE)[1:] if part else []
    return {frozenset(f"{name}/{file}" for file in re.findall(r"`([\w/]+\.\w+)`", point.split(":")[0]))
            for point in points}


def text(found):
    return " | ".join(", ".join(sorted(circle)) for circle in found) or "none"


def test(tap):
    built = objects(os.path.join(project.BUILD, "kernel", "kernel-debug.elf.p", "kernel"))
    found = circles(uses(built))
    wide = {circle for circle in found if len({room(source) for source in circle}) > 1}
    tap.check(not wide, "no files of different rooms need each other", text(wide))
    for name in sorted({room(source) for source in built}):
        own, told = {circle for circle in found - wide if room(min(circle)) == name}, named(name)
        tap.check(own == told, f"{name}: its README names its circles, and no others",
                  f"not named: {text(own - told)}", f"no circles: {text(told - own)}")


if __name__ == "__main__":
    tap = harness.Tap()
    test(tap)
    sys.exit(tap.done())
