"""The page's parts about memory: the map to scale with rights, page tables, images."""
import html

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
]
RIGHTS = [(1, "w"), (2, "x"), (4, "u")]
ATTRIBUTES = [
    (1 << 0, "UC"),
    (1 << 1, "WC"),
    (1 << 2, "WT"),
    (1 << 3, "WB"),
    (1 << 12, "WP"),
    (1 << 13, "RP"),
    (1 << 14, "XP"),
    (1 << 15, "NV"),
    (1 << 16, "more reliable"),
    (1 << 17, "RO"),
    (1 << 18, "SP"),
    (1 << 20, "hot-pluggable"),
    (1 << 63, "RUNTIME"),
]
MEMORY_TYPES = {0: "UC", 1: "WC", 4: "WT", 5: "WP", 6: "WB", 7: "UC-"}


def escape(value):
    return html.escape(str(value))


def size_text(size):
    for unit, name in ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")):
        if size >= unit:
            return f"{size / unit:.4g} {name}"
    return f"{size} B"


def class_of(kind):
    return CLASSES.get(kind, "special")


def table(heads, rows):
    """A table; a head or cell that begins with '>' stands to the right, with '`' in even letters."""

    def cell(tag, value):
        value = str(value)
        if value[:1] == ">":
            return f"<{tag} class=right>{value[1:]}</{tag}>"
        if value[:1] == "`":
            return f"<{tag} class=mono>{value[1:]}</{tag}>"
        return f"<{tag}>{value}</{tag}>"

    lines = "".join("<tr>" + "".join(cell("td", value) for value in row) + "</tr>" for row in rows)
    return (
        f"<div class=scroll><table><tr>{''.join(cell('th', name) for name in heads)}</tr>{lines}"
        "</table></div>"
    )


def segments(found, first, last):
    """(class, size, title) of what lies from first to last, gaps included."""
    at = first
    for kind, base, end, _ in sorted(found, key=lambda one: one[1]):
        base, end = max(base, at), min(end, last)
        if end <= base:
            continue
        if base > at:
            yield "gap", base - at, "not in the map"
        yield class_of(kind), end - base, f"{type_name(kind)} {base:#x} to {end:#x}"
        at = end
    if at < last:
        yield "gap", last - at, "not in the map"


def bar(found, first, last):
    total = max(last - first, 1)
    merged = []
    for tone, size, title in segments(found, first, last):
        if merged and merged[-1][0] == tone:
            merged[-1] = (tone, merged[-1][1] + size, title)
        else:
            merged.append((tone, size, title))
    parts = "".join(
        f"<i class={tone} style='width:{100 * size / total:.4f}%' title='{escape(title)}'></i>"
        for tone, size, title in merged
    )
    return (
        f"<div class=bar>{parts}</div><div"
        f" class=ends><span>{first:#x}</span><span>{size_text(total)}</span><span>{last:#x}</span></div>"
    )


def bounds(found):
    """What of RAM is worth a picture: all of it below 4 GiB, and the part that is not free, enlarged."""
    ram = [one for one in found if one[0] in (1, 2, 3, 4, 5, 6, 7, 9, 10)]
    if not ram:
        return None
    end = max(one[2] for one in ram)
    used = [one for one in ram if one[0] != 7 and one[1] >= 1 << 20]
    zoom = (min(one[1] for one in used), max(one[2] for one in used)) if used else None
    return end, zoom


def rights_at(runs, address):
    for run in runs:
        base = number(run["linear"])
        if base <= address < base + 4096 * number(run["pages"]):
            return "r" + "".join(letter if run["rights"] & bit else "-" for bit, letter in RIGHTS[:2])
    return "not mapped"


def attribute_text(attributes):
    return " ".join(name for bit, name in ATTRIBUTES if attributes & bit) or "none"


def type_before(found, base):
    for kind, first, end, _ in found:
        if first <= base < end:
            return kind
    return None


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


def memory(record):
    before, after = ranges(record.map_before()), ranges(record.map_at_exit())
    if not after:
        return "<p>No memory map was recorded.</p>"
    tables = record.first("page_tables")
    legend = (
        "<div class=legend>"
        + "".join(f"<span class={tone}>{name}</span>" for tone, name in LEGEND)
        + "</div>"
    )
    pictures = ""
    limits = bounds(after)
    if limits:
        end, zoom = limits
        for title, found in (("Before the loader's first allocation", before), ("At the exit", after)):
            if found:
                pictures += f"<h3>{title}: RAM to scale</h3>" + bar(found, 0, end)
                if zoom:
                    pictures += bar(found, *zoom)
    free = sum(end - base for kind, base, end, _ in after if kind == 7)
    kept = sum(end - base for kind, base, end, _ in after if kind in (5, 6))
    step = number(record.map_at_exit()["fields"]["descriptor_size"])
    return (
        legend
        + pictures
        + f"<p>{len(after)} descriptors of {step} bytes; {size_text(free)} free, {size_text(kept)} for"
        " runtime services. The second bar of each pair enlarges the part from the first to the last"
        " range that is not free; hatched is what the map does not describe.</p>"
        + table(
            ("From", "To", ">Size", "Type", "Attributes", "Rights at entry"),
            map_rows(before, after, tables["items"] if tables else []),
        )
    )


def page_tables(record):
    entry = record.first("page_tables")
    if not entry:
        return "<p>The firmware's page tables were not recorded.</p>"
    both = sum(4096 * number(run["pages"]) for run in entry["items"] if run["rights"] & 3 == 3)
    rows = []
    for run in entry["items"]:
        base, pages = number(run["linear"]), number(run["pages"])
        letters = "r" + "".join(letter if run["rights"] & bit else "-" for bit, letter in RIGHTS)
        tone = f"<span class=bad>{letters}</span>" if run["rights"] & 3 == 3 else letters
        same = "itself" if number(run["physical"]) == base else f"{number(run['physical']):#x}"
        rows.append(
            (
                f"`{base:#x}",
                f">{size_text(4096 * pages)}",
                f"`{tone}",
                same,
                {1: "4 KiB", 2: "2 MiB", 3: "1 GiB"}.get(run["level"], run["level"]),
                MEMORY_TYPES.get(run["memory_type"], "?"),
            )
        )
    cut = " The record has only a part of them." if entry["fields"]["cut"] else ""
    return (
        f"<p>{entry['fields']['levels']} levels, root at <code>{entry['fields']['root']}</code>. "
        f"{size_text(both) if both else 'Nothing'} is both writable and executable.{cut}</p>"
        + table(("From", ">Size", "Rights", "Leads to", "Pages", "Type"), rows)
    )


def images(record):
    rows = []
    for entry in record.all("image"):
        fields = entry["fields"]
        base = number(fields["base"])
        flags = fields["flags"]
        protect = (
            (
                "NX_COMPAT"
                if fields["dll_characteristics"] & 0x100
                else "<span class=bad>not NX_COMPAT</span>"
            )
            if flags & 2
            else "no header"
        )
        kind = {10: "application", 11: "boot driver", 12: "runtime driver"}.get(fields["subsystem"], "")
        name = escape(entry.get("text") or "(no name)") + (" <b>this loader</b>" if flags & 1 else "")
        rows.append(
            (
                name,
                f"`{base:#x}",
                f">{size_text(number(fields['size']))}",
                kind,
                protect,
                f">{fields['section_alignment']}",
                " ".join(escape(one["name"]) for one in entry.get("items", [])),
            )
        )
    if not rows:
        return "<p>No images were recorded.</p>"
    return table(("Image", "Base", ">Size", "Kind", "Protection", ">Alignment", "Sections"), rows)
