#!/usr/bin/python3
"""hostile.py [RECORDS [SEED]]: scripts/handoff on records as nobody would make them: entries cut short, of
another kind, with bytes of chance. Whatever is in a record, it is judged, told in every form, compared and
shown, or refused in a line; the page keeps its form and fetches nothing."""
import html.parser
import os
import random
import sys
import tempfile
import traceback
import xml.etree.ElementTree as ElementTree

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "boot"))
import harness  # noqa: E402
import clean  # noqa: E402
from record import KINDS, SEALED  # noqa: E402
from baton import project  # noqa: E402
from baton.handoff import difference, formats, page  # noqa: E402
from baton.handoff.records import Record, names  # noqa: E402
from baton.handoff.verdict import Allowed, Verdict  # noqa: E402

RECORDS = 20
EDGES = [0, 1, 2, 7, 0x7f, 0x80, 0xff, 0x100, 0xffff, 1 << 31, (1 << 32) - 1, 1 << 63, (1 << 64) - 1]


class Raw:
    """An entry whose bytes are no longer those of its structure."""

    def __init__(self, name, payload, tsc):
        self.name, self.bytes, self.tsc = name, payload, tsc

    def payload(self):
        return self.bytes


def spoil(chance, payload):
    """The payload with something wrong."""
    data = bytearray(payload)
    way = chance.randrange(5)
    if way == 0 or not data:
        return bytes(data[:chance.randrange(len(data) + 1)])
    if way == 1:
        return bytes(data) + chance.randbytes(chance.randrange(64))
    for _ in range(chance.randrange(1, 9)):
        at = chance.randrange(len(data))
        if way == 2:
            data[at] = chance.randrange(256)
        else:
            size = chance.choice((1, 2, 4, 8))
            value = chance.choice(EDGES) & ((1 << 8 * size) - 1)
            at -= at % size
            data[at:at + size] = value.to_bytes(size, "little")
    return bytes(data)


def make(chance):
    record = clean.clean()
    record.flags &= ~SEALED
    entries = []
    for entry in record.entries:
        odds = chance.random()
        payload, name = entry.payload(), entry.name
        if odds < 0.05:
            continue
        if odds < 0.4:
            payload = spoil(chance, payload)
        if odds < 0.02:
            name = chance.choice(list(KINDS))
        tsc = chance.choice(EDGES) if odds > 0.95 else entry.tsc
        entries += [Raw(name, payload, tsc)] * (2 if odds > 0.98 else 1)
    if chance.random() < 0.2:
        chance.shuffle(entries)
    record.entries = entries
    return record.bytes()


class Form(html.parser.HTMLParser):
    """Whether every element ends where it should, and whether something would be fetched."""

    VOID = {"meta", "br", "link", "img", "input", "hr"}

    def __init__(self, text):
        super().__init__()
        self.open, self.wrong = [], []
        self.feed(text)
        self.wrong += self.open

    def handle_starttag(self, tag, attrs):
        if tag in ("script", "img", "link", "iframe", "object", "embed", "base", "form"):
            self.wrong.append(tag)
        self.wrong += [name for name, value in attrs if name.startswith("on") or (
            name in ("src", "href") and not (value or "").startswith("#"))]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.wrong.append("/" + tag)


def wrong_with(path, whole):
    """What is wrong with what is said of a record; None: nothing."""
    try:
        record = Record(path)
        verdict = Verdict(record, "emp", Allowed(), "H", whole)
        said = "\n".join(formats.text([verdict]))
        formats.as_json([verdict])
        formats.as_sarif([verdict])
        ElementTree.fromstring(formats.as_junit([verdict]))
        said += "\n".join(difference.text(difference.compare(whole, record, "uefi")))
        form = Form(page.make(verdict))
    except project.Failure as error:
        return None if "\n" not in str(error) else f"refused in more than a line: {error}"
    except Exception:  # pylint: disable=broad-except
        return traceback.format_exc()
    if form.wrong:
        return f"the page: {form.wrong[:5]}"
    wild = sorted({character for character in said if not (character.isprintable() or character == "\n")})
    return f"the text has {wild}" if wild else None


def test(tap):
    count = int(sys.argv[1]) if len(sys.argv) > 1 else RECORDS
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(1 << 32)
    names()
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        path, whole_path = os.path.join(folder, "hostile.rec"), os.path.join(folder, "whole.rec")
        with open(whole_path, "wb") as file:
            file.write(clean.clean().bytes())
        whole = Record(whole_path)
        for number in range(count):
            with open(path, "wb") as file:
                file.write(make(chance))
            wrong = wrong_with(path, whole)
            if wrong:
                tap.check(False, f"hostile record {number} of seed {seed}", wrong)
                return
    tap.check(True, f"{count} hostile records of seed {seed} are told in every form")


if __name__ == "__main__":
    harness.main(test)
