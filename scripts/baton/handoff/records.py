"""A record of a handoff as the host sees it: decoded by build/scripts/judge, which is the library itself."""
import functools
import json
import os
import subprocess

from .. import project

JUDGE = os.path.join(project.BUILD, "scripts", "judge")


def judge(*arguments):
    """What judge prints, decoded; a Failure with its words when the file is no record."""
    try:
        ended = subprocess.run([JUDGE, *arguments], capture_output=True, text=True, check=False)
    except OSError as error:
        raise project.Failure("scripts/judge is not built: leave --no-build away") from error
    if ended.returncode:
        raise project.Failure(ended.stderr.strip() or f"judge ended with {ended.returncode}")
    return readable(json.loads(ended.stdout))


@functools.cache
def names():
    """What numbers are called: profiles, severities (the least severe first), memory types, services."""
    return judge("names")


def severity_word(letter):
    return names()["severity_words"][names()["severities"].index(letter)]


def printable(words, kept=""):
    """What a terminal, XML and UTF-8 can take: names in records are the firmware's bytes."""
    if words.isprintable():
        return words
    return "".join(one if one.isprintable() or one in kept else "?" for one in words)


def readable(value):
    """The same with every text printable."""
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, list):
        return [readable(one) for one in value]
    if isinstance(value, dict):
        return {name: readable(one) for name, one in value.items()}
    return value


def letters(data):
    """Bytes that should be letters."""
    return printable(data.decode("latin-1"))


class Fields(dict):
    """An entry's fields; what an older version's shorter entry lacks is 0."""

    def __missing__(self, name):
        return 0


class Record:
    """One file: its entries by kind, and what the audit says of it."""

    def __init__(self, path):
        self.path = path
        self.data = judge("record", path)
        self.entries = self.data["entries"]
        for entry in self.entries:
            entry["fields"] = Fields(entry.get("fields", {}))

    def all(self, *names):
        return [entry for entry in self.entries if entry["name"] in names]

    def first(self, name):
        return next(iter(self.all(name)), None)

    def last(self, *names):
        return next(iter(self.all(*names)[::-1]), None)

    def firmware(self):
        """What the firmware calls itself."""
        entry = self.first("firmware")
        return entry["text"] if entry else "unknown firmware"

    def uefi_version(self):
        entry = self.first("firmware")
        revision = entry["fields"].get("uefi_revision", 0) if entry else 0
        minor = revision & 0xFFFF
        return (
            f"{revision >> 16}.{minor // 10}" + (f".{minor % 10}" if minor % 10 else "")
            if revision
            else "?"
        )

    def map_before(self):
        return self.first("map_first")

    def map_at_exit(self):
        return self.last("map_exit") or self.first("map_first")

    def tsc_hz(self):
        clock = self.first("clock")
        return number(clock["fields"]["tsc_hz"]) if clock else 0

    def findings(self, profile="uefi", baseline=None):
        return judge("audit", self.path, profile, *([baseline] if baseline else []))["findings"]


def number(value):
    """A number of JSON: those of 8 bytes are texts."""
    return int(value, 0) if isinstance(value, str) else value


def raw(entry, fixed=0):
    """The entry's bytes behind its fixed part."""
    return bytes.fromhex(entry["raw"])[fixed:]


def type_name(kind):
    types = names()["memory_types"]
    return types[kind] if kind < len(types) else f"type {kind:#x}"


def service_name(service):
    return names()["services"].get(str(service), f"{service:#x}")


def ranges(entry):
    """(type, base, end, attributes) of a memory map's entry."""
    return [
        (
            one["type"],
            number(one["base"]),
            number(one["base"]) + 4096 * number(one["pages"]),
            number(one["attributes"]),
        )
        for one in (entry or {}).get("items", [])
    ]


GUIDS = {
    "8868e871-e4f1-11d3-bc22-0080c73c8881": "ACPI 2.0",
    "eb9d2d30-2d88-11d3-9a16-0090273fc14d": "ACPI 1.0",
    "f2fd1544-9794-4a2c-992e-e5bbcf20e394": "SMBIOS 3",
    "eb9d2d31-2d88-11d3-9a16-0090273fc14d": "SMBIOS",
    "b122a263-3661-4f68-9929-78f8b0d62180": "ESRT",
    "eb66918a-7eef-402a-842e-931d21c38ae9": "RT_PROPERTIES",
    "dcfa911d-26eb-469f-a220-38b7dc461220": "memory attributes",
    "8be4df61-93ca-11d2-aa0d-00e098032b8c": "global",
    "d719b2cb-3d3a-4596-a3bc-dad00e67656f": "image security",
    # EDK2's and PI's configuration tables, U-Boot's device tree
    "7739f24c-93d7-11d4-9a3a-0090273fc14d": "HOB list",
    "05ad34ba-6f02-4214-952e-4da0398e2bb9": "DXE services",
    "49152e77-1ada-4764-b7a2-7afefed95e8b": "debug image information",
    "4c19049f-4137-4dd3-9c10-8b97a83ffdfa": "memory type information",
    "060cc026-4c0d-4dda-8f41-595fef00a502": "memory status codes",
    "ee4e5898-3914-4259-9d6e-dc7bd79403cf": "LZMA decompression",
    "b1b621d5-f19c-41a5-830b-d9152c69aae0": "device tree",
}


def guid_name(guid):
    return GUIDS.get(guid, guid)
