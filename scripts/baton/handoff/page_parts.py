"""What the page's parts are made of: escaped text, tables, facts, folds, strips to scale."""
import html

FOLD = 24  # rows from which on a table is folded
PAPER = 250  # and from which on it is printed only when it was unfolded


MARKS = "#>`~"  # what a cell's text begins with says how it is set: see cell()


def escape(value):
    """As HTML; a name in a record that begins like a mark is none."""
    text = html.escape(str(value))
    return f"&#{ord(text[0])};{text[1:]}" if text and text[0] in MARKS else text


def size_text(size):
    for unit, name in ((1 << 40, "TiB"), (1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")):
        if size >= unit:
            return f"{size / unit:.4g} {name}"
    return f"{size} B"


def cell(tag, value):
    """'>' before a text puts it to the right, '`' sets it in even letters, '~' gives it room on a phone,
    '#name ' gives it a name."""
    value, attributes = str(value), ""
    if value[:1] == "#":
        name, _, value = value[1:].partition(" ")
        attributes = f" id={name}"
    if value[:1] == ">":
        return f"<{tag}{attributes} class=right>{value[1:]}</{tag}>"
    if value[:1] == "`":
        return f"<{tag}{attributes} class=mono>{value[1:]}</{tag}>"
    if value[:1] == "~":
        return f"<{tag}{attributes} class=words>{value[1:]}</{tag}>"
    return f"<{tag}{attributes}>{value}</{tag}>"


def table(heads, rows):
    """A table of texts that are escaped already."""
    lines = "".join("<tr>" + "".join(cell("td", value) for value in row) + "</tr>" for row in rows)
    head = "".join(cell("th", name) for name in heads)
    return f"<div class=scroll><table><thead><tr>{head}</tr></thead><tbody>{lines}</tbody></table></div>"


def folded(title, text, long=False):
    return f"<details{' class=long' if long else ''}><summary>{escape(title)}</summary>{text}</details>"


def long_table(title, heads, rows):
    """A table that is folded when it is long; on paper it is whole, unless it would take pages of it."""
    if len(rows) <= FOLD:
        return table(heads, rows)
    return folded(f"{title} ({len(rows)} rows)", table(heads, rows), long=len(rows) > PAPER)


def facts(pairs):
    """Name and value, or name, value and what it means."""
    items = "".join(
        f"<div><dt>{escape(name)}</dt><dd><code>{escape(value)}</code>"
        + "".join(f"<small>{escape(one)}</small>" for one in more)
        + "</dd></div>"
        for name, value, *more in pairs
    )
    return f"<dl class=facts>{items}</dl>"


def legend(names):
    return (
        "<div class=legend>"
        + "".join(f"<span class={tone}>{name}</span>" for tone, name in names)
        + "</div>"
    )


def strip(pieces, first, last, label, thin=False):
    """Ranges to scale. pieces: (class, base, end, title); what nothing covers is hatched. The small ones are
    drawn last and never narrower than can be seen."""
    scale = 1000 / max(last - first, 1)
    drawn = []
    for tone, base, end, title in pieces:
        base, end = max(base, first), min(end, last)
        if base < end:
            drawn.append((max((end - base) * scale, 1.1), (base - first) * scale, tone, title))
    rectangles = "".join(
        f"<rect class={tone} x={min(x, 1000 - width):.2f} y=0 width={width:.2f} height=10>"
        f"<title>{escape(title)}</title></rect>"
        for width, x, tone, title in sorted(drawn, reverse=True)
    )
    return (
        f"<div class='strip{' thin' if thin else ''}'><span>{escape(label)}</span><svg viewBox='0 0 1000 10' "
        f"preserveAspectRatio=none role=img aria-label='{escape(label)}'>{rectangles}</svg></div>"
    )


def ruler(first, last):
    texts = (f"{first:#x}", size_text(last - first), f"{last:#x}")
    return f"<div class=ends>{''.join(f'<span>{one}</span>' for one in texts)}</div>"


def lens(first, last, total):
    """Lines from a part of the strip above to the whole of the one below."""
    left, right = 1000 * first / total, 1000 * last / total
    return (
        "<div class=lens><svg viewBox='0 0 1000 10' preserveAspectRatio=none aria-hidden=true>"
        f"<polygon points='{left:.1f},0 {right:.1f},0 1000,10 0,10'/></svg></div>"
    )
