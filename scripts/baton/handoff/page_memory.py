"""The page's parts about memory: the map to scale with rights, page tables, images."""
import collections

from .page_parts import escape, facts, legend, lens, long_table, ruler, size_text, strip, table
from .records import number, ranges, type_name

CLASSES = {
    0: "kept",
    1: "loader",
    2: "loader",
    3: "boot",
    4: "boot",
    5: "runtime",
    6: "runtime",
    7: "free",
    8: "kept",
    9: "acpi",
    10: "acpi",
    11: "device",
    12: "device",
}
LEGEND = [
    ("free", "free"),
    ("loader", "loader"),
    ("boot", "boot services"),
    ("runtime", "runtime services"),
    ("acpi", "ACPI"),
    ("kept", "reserved"),
    ("device", "devices"),
    ("special", "other"),
    ("gap", "not described"),
]
RIGHTS_LEGEND = [
    ("wx", "writable and executable"),
    ("rx", "read, execute"),
    ("rw", "read, write"),
    ("ro", "read only"),
    ("gap", "not mapped"),
]
RIGHTS = [(1, "w"), (2, "x"), (4, "u")]
ATTRIBUTES = [
    (1 << 0, "UC"),
    (1 << 1, "WC"),
    (1 << 2, "WT"),
    (1 << 3, "WB"),
    (1 << 4, "UCE"),
    (1 << 12, "WP"),
    (1 << 13, "RP"),
    (1 << 14, "XP"),
    (1 << 15, "NV"),
    (1 << 16, "more reliable"),
    (1 << 17, "RO"),
    (1 << 18, "SP"),
    (1 << 19, "crypto"),
    (1 << 20, "hot-pluggable"),
    (1 << 63, "RUNTIME"),
]
MEMORY_TYPES = {0: "UC", 1: "WC", 4: "WT", 5: "WP", 6: "WB", 7: "UC-"}
RAM = (1, 2, 3, 4, 5, 6, 7, 9, 10, 14)
GIVEN_BACK = {3: 7, 4: 7}  # UEFI 2.11, table 7.10: boot services' memory is free after the exit


def class_of(kind):
    return CLASSES.get(kind, "special")


def pieces(found):
    return [
        (class_of(kind), base, end, f"{type_name(kind)} {base:#x} to {end:#x}, {size_text(end - base)}")
        for kind, base, end, _ in found
    ]


def after_exit(found):
    """What the map says once boot services have ended."""
    return [(GIVEN_BACK.get(kind, kind), base, end, attributes) for kind, base, end, attributes in found]


def run_bounds(run):
    base = number(run["linear"])
    return base, base + 4096 * number(run["pages"])


def letters_of(run):
    return "r" + "".join(letter if run["rights"] & bit else "-" for bit, letter in RIGHTS)


def rights_pieces(runs):
    tones = {0: "ro", 1: "rw", 2: "rx", 3: "wx"}
    for run in runs:
        base, end = run_bounds(run)
        yield tones[run["rights"] & 3], base, end, f"{letters_of(run)} {base:#x} to {end:#x}"


def bounds(found):
    """The end of RAM, and the part that is worth to be enlarged: what lies above the largest free range."""
    ram = [one for one in found if one[0] in RAM]
    if not ram:
        return None
    end = max(one[2] for one in ram)
    low = [one for one in ram if one[2] <= 1 << 32] or ram
    free = [one for one in low if one[0] == 7]
    largest = max(free, key=lambda one: one[2] - one[1], default=None)
    top = max(one[2] for one in low)
    zoom = (largest[2], top) if largest and largest[2] < top else None
    return end, zoom


def pictures(before, after, runs):
    limits = bounds(after)
    if not limits:
        return ""
    end, zoom = limits
    rows = [
        ("Before", pieces(before)),
        ("At the exit", pieces(after)),
        ("After it", pieces(after_exit(after))),
    ]
    rights = list(rights_pieces(runs))

    def scale(first, last):
        text = "".join(strip(found, first, last, label) for label, found in rows if found)
        return (
            text
            + (strip(rights, first, last, "Rights", thin=True) if rights else "")
            + ruler(first, last)
        )

    text = "<h3>All of RAM, to scale</h3>" + scale(0, end)
    if zoom:
        text += lens(*zoom, end) + "<h3>Enlarged: from the largest free range up</h3>" + scale(*zoom)
    return f"<div class=picture>{text}</div>"


def rights_at(runs, address):
    for run in runs:
        base, end = run_bounds(run)
        if base <= address < end:
            return letters_of(run)[:3]
    return "not mapped"


def attribute_text(attributes):
    return " ".join(name for bit, name in ATTRIBUTES if attributes & bit) or "none"


def type_before(found, base):
    return next((kind for kind, first, end, _ in found if first <= base < end), None)


def map_rows(before, after, runs):
    for kind, base, end, attributes in after:
        old = type_before(before, base)
        change = "" if old in (None, kind) else f" <span class=soft>was {type_name(old)}</span>"
        rights = rights_at(runs, base)
        if "w" in rights and "x" in rights:
            rights = f"<span class=bad>{rights}</span>"
        yield (
            f"`{base:#x}",
            f"`{end:#x}",
            f">{size_text(end - base)}",
            f"<span class='key {class_of(kind)}'></span>{escape(type_name(kind))}{change}",
            attribute_text(attributes),
            f"`{rights}",
        )


def amounts(found):
    """{type: (descriptors, bytes)}"""
    result = collections.defaultdict(lambda: (0, 0))
    for kind, base, end, _ in found:
        count, size = result[kind]
        result[kind] = (count + 1, size + end - base)
    return result


def type_rows(before, after):
    old, new = amounts(before), amounts(after)
    for kind in sorted({*old, *new}):
        difference = new[kind][1] - old[kind][1]
        sign = "+" if difference > 0 else "−" if difference < 0 else ""
        yield (
            f"<span class='key {class_of(kind)}'></span>{escape(type_name(kind))}",
            f">{old[kind][0]}",
            f">{size_text(old[kind][1])}",
            f">{new[kind][0]}",
            f">{size_text(new[kind][1])}",
            f">{sign}{size_text(abs(difference)) if difference else ''}",
        )


def memory(record):
    before, after = ranges(record.map_before()), ranges(record.map_at_exit())
    if not after:
        return "<p>No memory map was recorded.</p>"
    tables = record.first("page_tables")
    runs = tables["items"] if tables else []
    step = number(record.map_at_exit()["fields"]["descriptor_size"])
    heads = ("Type", ">Before", ">Size", ">At the exit", ">Size", ">Change")
    descriptors = long_table(
        "All descriptors",
        ("From", "To", ">Size", "Type", "Attributes", "Rights"),
        list(map_rows(before, after, runs)),
    )
    return (
        legend(LEGEND)
        + pictures(before, after, runs)
        + (legend(RIGHTS_LEGEND) if runs else "")
        + "<p class=soft>Before: the loader's first allocation. After it: boot services' memory is free "
        "(UEFI 2.11, table 7.10). Rights: the firmware's page tables at the loader's first instruction.</p>"
        + "<h3>By type: descriptors and amount</h3>"
        + table(heads, type_rows(before, after))
        + f"<h3>Descriptors at the exit, of {step} bytes each, with rights at entry</h3>"
        + descriptors
    )


def page_tables(record):
    entry = record.first("page_tables")
    if not entry:
        return "<p>The firmware's page tables were not recorded.</p>"
    totals = collections.Counter()
    rows = []
    for run in entry["items"]:
        (base, end), letters = run_bounds(run), letters_of(run)
        totals[letters[:3]] += end - base
        tone = f"<span class=bad>{letters}</span>" if run["rights"] & 3 == 3 else letters
        same = "itself" if number(run["physical"]) == base else f"{number(run['physical']):#x}"
        level = {1: "4 KiB", 2: "2 MiB", 3: "1 GiB"}.get(run["level"], run["level"])
        kind = MEMORY_TYPES.get(run["memory_type"], "?")
        rows.append(
            (f"`{base:#x}", f"`{end:#x}", f">{size_text(end - base)}", f"`{tone}", same, level, kind)
        )
    fields = entry["fields"]
    text = facts(
        [("Root (CR3)", fields["root"]), ("Levels", fields["levels"]), ("Runs", len(rows))]
        + [(f"Mapped {letters}", size_text(size)) for letters, size in sorted(totals.items())]
    )
    if fields["cut"]:
        text += "<p class=note>There were more runs than the record has.</p>"
    return text + long_table(
        "All runs", ("From", "To", ">Size", "Rights", "Leads to", "Pages", "Type"), rows
    )


def image_row(entry):
    fields = entry["fields"]
    kind = {10: "application", 11: "boot driver", 12: "runtime driver"}.get(fields["subsystem"], "")
    compatible = (
        "NX_COMPAT" if fields["dll_characteristics"] & 0x100 else "<span class=bad>not NX_COMPAT</span>"
    )
    name = escape(entry.get("text") or "(no name)") + (
        " <b>this loader</b>" if fields["flags"] & 1 else ""
    )
    return (
        name,
        f"`{number(fields['base']):#x}",
        f">{size_text(number(fields['size']))}",
        kind,
        compatible if fields["flags"] & 2 else "no header",
        f">{fields['section_alignment']}",
        " ".join(escape(one["name"]) for one in entry.get("items", [])),
    )


def image_facts(record):
    found = [entry["fields"] for entry in record.all("image")]
    known = [one for one in found if one["flags"] & 2]
    yield "Images", len(found), size_text(sum(number(one["size"]) for one in found))
    yield "Runtime drivers", sum(one["subsystem"] == 12 for one in known)
    yield "Not NX_COMPAT", sum(not one["dll_characteristics"] & 0x100 for one in known)
    yield "Sections below 4 KiB", sum(one["section_alignment"] % 4096 != 0 for one in known)


def images(record):
    rows = [image_row(entry) for entry in record.all("image")]
    if not rows:
        return "<p>No images were recorded.</p>"
    heads = ("Image", "Base", ">Size", "Kind", "Protection", ">Alignment", "Sections")
    return facts(image_facts(record)) + long_table("All images", heads, rows)
