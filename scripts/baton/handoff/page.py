"""A record as one page of HTML that needs nothing else: findings first, then what was handed over."""
import itertools
import os

from . import page_firmware, page_machine, page_memory
from .formats import head, remark
from .page_parts import escape, facts, folded, size_text, table
from .records import names, number, ranges, severity_word

HERE = os.path.dirname(os.path.abspath(__file__))


def place_item(place):
    image = f" <span class=soft>in</span> <b>{escape(place['image'])}</b>" if place.get("image") else ""
    offset = f" <span class=soft>· record offset {place['offset']:#x}</span>" if "offset" in place else ""
    return f"<li><code>{escape(place['found'])}</code>{image}{offset}</li>"


def finding_card(finding):
    severity, number = finding["severity"], f"{finding['check']:02d}"
    more = finding["count"] - len(finding["places"])
    places = "".join(map(place_item, finding["places"]))
    places += f"<li class=soft>and {more} more</li>" if more > 0 else ""
    title = f"{number} · {escape(finding['title'])}<span class=soft>{escape(remark(finding))}</span>"
    section = f"<span class=soft>({escape(finding['section'])})</span>"
    return f"""<article class='finding {severity}' id=check-{number}>
<h3><span class=chip>{severity_word(severity)}</span>{title}</h3><ul>{places}</ul>
<p><span class=soft>Expected:</span> {escape(finding['expected'])} {section}</p>
<p class=do>{escape(finding['advice'])}</p></article>"""


def finding_table(findings):
    """What does not fail, with one result: folded."""
    rows = [
        (
            f"#check-{one['check']:02d} >{one['check']:02d}",
            escape(one["title"]),
            severity_word(one["severity"]),
            escape(one.get("why") or one["expected"]),
            f"<span class=soft>{escape(one['section'])}</span>",
        )
        for one in sorted(findings, key=lambda one: one["check"])
    ]
    why = "Why" if "why" in findings[0] else "Expected"
    listed = table((">Check", "What", "Severity", why, "Section"), rows)
    return folded(f"{len(findings)} {findings[0]['result']}", listed)


def findings_section(verdict):
    cards = "".join(map(finding_card, verdict.failed())) or "<p class=good><b>Nothing fails.</b></p>"
    for result in ("not known", "not applicable", "pass"):
        found = [one for one in verdict.findings if one["result"] == result]
        cards += finding_table(found) if found else ""
    return cards


# ---- at a glance ----


def count_box(name, count, tone=""):
    style = " style=color:var(--tone)" if tone and count else ""
    return f"<div class='count {tone}'><b{style}>{count}</b>{name}</div>"


def counts(verdict):
    severities = [one["severity"] for one in verdict.failed()]
    results = [one["result"] for one in verdict.findings]
    boxes = [
        count_box(severity_word(one), severities.count(one), one) for one in names()["severities"][::-1]
    ]
    boxes += [count_box(one, results.count(one)) for one in ("pass", "not known", "not applicable")]
    return f"<div class=verdict>{''.join(boxes)}</div>"


def square(finding):
    number_text, result = f"{finding['check']:02d}", finding["result"]
    tone = f"fail {finding['severity']}" if result == "fail" else result.replace(" ", "-")
    title = f"{number_text} {finding['title']}: {result}"
    return f"<a class='square {tone}' href=#check-{number_text} title='{escape(title)}'>{number_text}</a>"


def squares(verdict):
    """Every check as a square in its family, coloured by what came out."""
    order = sorted(verdict.findings, key=lambda one: one["check"])
    families = itertools.groupby(order, key=lambda one: one["family"])
    text = "".join(
        f"<div class=family><b>{escape(name)}</b><div>{''.join(map(square, findings))}</div></div>"
        for name, findings in families
    )
    return f"<div class=squares>{text}</div>"


def glance(record):
    """The machine in a line of facts: what is known of it."""
    hertz, state = record.tsc_hz(), record.first("entry_state")
    ram = sum(
        end - base for kind, base, end, _ in ranges(record.map_at_exit()) if kind in page_memory.RAM
    )
    exits = record.all("exit_attempt")
    times = [(number(one["fields"]["before"]), number(one["fields"]["after"])) for one in exits]
    yield "Firmware", record.firmware()
    yield "UEFI", record.uefi_version()
    for name, value in page_firmware.smbios_names(record):
        yield name, value
    yield "Processor", page_machine.processor_name(record) or "?"
    yield "RAM", size_text(ram)
    if state and number(state["tsc"]):
        yield "Reset to loader", page_machine.duration(number(state["tsc"]), hertz)
    if times:
        yield "ExitBootServices", page_machine.duration(
            sum(b - a for a, b in times), hertz
        ), "1 attempt" if len(times) == 1 else f"{len(times)} attempts"
    yield "Recorded by", record.data["build"]


def warnings(record):
    data = record.data
    if data["edited"]:
        yield "Edited: no machine gave this record; it was made or changed for a test."
    if not data["sealed"]:
        yield "Not finished: the machine stopped before the record was sealed."
    if data["lost_entries"]:
        yield (
            f"The record was full: {data['lost_entries']} entries of {data['lost_bytes']} bytes are "
            "missing, and what needs them is not known."
        )


FRAME = """<!doctype html>
<html lang=en><head><meta charset=utf-8>
<meta name=viewport content='width=device-width, initial-scale=1'>
<meta http-equiv=Content-Security-Policy content="default-src 'none'; style-src 'unsafe-inline'">
<title>Handoff of {firmware}</title><style>{style}</style></head>
<body><header><h1>The handoff of {firmware}</h1><p class=soft>{head} · profile {profile} · {file}</p>
{notes}{counts}{squares}{glance}</header><nav>{links}</nav><main>{sections}</main>
<footer>Made by Baton's scripts/handoff from the record of boot <code>{boot}</code>, {size} bytes. Offsets are
of bytes in the record; it is judged the same on every host.</footer></body></html>
"""


def contents(verdict):
    """Each section's heading and text, by its name."""
    record = verdict.record
    return {
        "findings": ("Findings", findings_section(verdict)),
        "machine": ("The machine", page_machine.machine(record)),
        "memory": ("Memory map", page_memory.memory(record)),
        "time": ("Time line", page_machine.time_line(record)),
        "pages": ("Page tables", page_memory.page_tables(record)),
        "calls": ("Calls", page_machine.calls(record)),
        "tables": ("Tables", page_firmware.tables(record)),
        "images": ("Images", page_memory.images(record)),
        "trust": ("PCRs and Secure Boot", page_firmware.trust(record)),
    }


def make(verdict):
    """The page, as text."""
    record, parts = verdict.record, contents(verdict)
    with open(os.path.join(HERE, "page.css"), encoding="utf-8") as file:
        style = file.read()
    return FRAME.format(
        firmware=escape(record.firmware()),
        style=style,
        head=escape(head(record)),
        profile=verdict.profile,
        file=escape(os.path.basename(record.path)),
        counts=counts(verdict),
        boot=record.data["boot"],
        squares=squares(verdict),
        glance=facts(glance(record)),
        notes="".join(f"<p class=note>{escape(line)}</p>" for line in warnings(record)),
        links="".join(f"<a href=#{name}>{title}</a>" for name, (title, _) in parts.items()),
        size=record.data["size"],
        sections="".join(
            f"<section><h2 id={name}>{title}</h2>{text}</section>"
            for name, (title, text) in parts.items()
        ),
    )
