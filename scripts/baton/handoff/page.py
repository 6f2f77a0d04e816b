"""A record as one page of HTML that needs nothing else: findings first, then what was handed over."""
import html
import os

from . import page_machine, page_memory
from .formats import head, remark
from .records import names, severity_word

HERE = os.path.dirname(os.path.abspath(__file__))


def escape(value):
    return html.escape(str(value))


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
    rows = [(f">{one['check']:02d}", escape(one["title"]), one["severity"],
             escape(one.get("why") or one["expected"]), f"<span class=soft>{escape(one['section'])}</span>")
            for one in sorted(findings, key=lambda one: one["check"])]
    why = "Why" if "why" in findings[0] else "Expected"
    listed = page_memory.table((">Check", "What", "", why, "Section"), rows)
    return f"<details><summary>{len(findings)} {findings[0]['result']}</summary>{listed}</details>"


def findings_section(verdict):
    cards = "".join(map(finding_card, verdict.failed())) or "<p class=good><b>Nothing fails.</b></p>"
    for result in ("not known", "not applicable", "pass"):
        found = [one for one in verdict.findings if one["result"] == result]
        cards += finding_table(found) if found else ""
    return cards


def count_box(name, count, tone=""):
    style = " style=color:var(--tone)" if tone and count else ""
    return f"<div class='count {tone}'><b{style}>{count}</b>{name}</div>"


def counts(verdict):
    severities = [one["severity"] for one in verdict.failed()]
    results = [one["result"] for one in verdict.findings]
    boxes = [count_box(severity_word(one), severities.count(one), one) for one in names()["severities"][::-1]]
    boxes += [count_box(one, results.count(one)) for one in ("pass", "not known", "not applicable")]
    return f"<div class=verdict>{''.join(boxes)}</div>"


def warnings(record):
    data = record.data
    if data["edited"]:
        yield "Edited: no machine gave this record; it was made or changed for a test."
    if not data["sealed"]:
        yield "Not finished: the machine stopped before the record was sealed."
    if data["lost_entries"]:
        yield (f"The record was full: {data['lost_entries']} entries of {data['lost_bytes']} bytes are "
               "missing, and what needs them is not known.")


FRAME = """<!doctype html>
<html lang=en><head><meta charset=utf-8>
<meta name=viewport content='width=device-width, initial-scale=1'>
<title>Handoff of {firmware}</title><style>{style}</style></head>
<body><header><h1>The handoff of {firmware}</h1><p class=soft>{head} · profile {profile} · {file}</p>
{counts}{notes}</header><nav>{links}</nav><main>{sections}</main>
<footer>Made by Baton's scripts/handoff from the record of boot <code>{boot}</code>, {size} bytes. Offsets are
of bytes in the record; it is judged the same on every host.</footer></body></html>
"""


def contents(verdict):
    """Each section's heading and text, by its name."""
    record = verdict.record
    return {"findings": ("Findings", findings_section(verdict)),
            "machine": ("The machine", page_machine.machine(record)),
            "memory": ("Memory map", page_memory.memory(record)),
            "time": ("Time line", page_machine.time_line(record)),
            "pages": ("Page tables", page_memory.page_tables(record)),
            "calls": ("Calls", page_machine.calls(record)),
            "tables": ("Tables", page_machine.tables(record)),
            "images": ("Images", page_memory.images(record)),
            "trust": ("Secure Boot and PCRs", page_machine.trust(record))}


def make(verdict):
    """The page, as text."""
    record, parts = verdict.record, contents(verdict)
    with open(os.path.join(HERE, "page.css"), encoding="utf-8") as file:
        style = file.read()
    return FRAME.format(
        firmware=escape(record.firmware()), style=style, head=escape(head(record)), profile=verdict.profile,
        file=escape(os.path.basename(record.path)), counts=counts(verdict), boot=record.data["boot"],
        notes="".join(f"<p class=note>{escape(line)}</p>" for line in warnings(record)),
        links="".join(f"<a href=#{name}>{title}</a>" for name, (title, _) in parts.items()),
        size=record.data["size"],
        sections="".join(f"<section><h2 id={name}>{title}</h2>{text}</section>"
                         for name, (title, text) in parts.items()))
