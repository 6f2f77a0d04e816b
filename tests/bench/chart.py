"""A chart of what each operation costs on Baton beside Linux, in SVG, without anything from elsewhere."""
import html

ROW, LABEL, BAR, FIGURE = 22, 270, 420, 170  # pixels: a row's height, three columns
STYLE = """text { font: 13px sans-serif; fill: #24292f } .baton { fill: #0a6c74 } .linux { fill: #d0d7de }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3 } .linux { fill: #30363d } .baton { fill: #3fb6c1 } }"""


def _row(number, text, baton, linux):
    top = 40 + number * ROW
    share = min(baton / linux, 1)
    return (f'<text x="{LABEL - 8}" y="{top + 14}" text-anchor="end">{html.escape(text)}</text>'
            f'<rect class="linux" x="{LABEL}" y="{top + 3}" width="{BAR}" height="{ROW - 8}"/>'
            f'<rect class="baton" x="{LABEL}" y="{top + 3}" width="{BAR * share:.1f}" '
            f'height="{ROW - 8}"/>'
            f'<text x="{LABEL + BAR + 8}" y="{top + 14}">{baton:,.0f} of {linux:,.0f}</text>')


def chart(rows):
    """`rows`: [(text, Baton's cost, Linux's cost)]."""
    height = 40 + len(rows) * ROW + 10
    body = "\n".join(_row(number, *row) for number, row in enumerate(rows))
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{LABEL + BAR + FIGURE}" '
            f'height="{height}" role="img" aria-label="What operations cost on Baton and Linux">\n'
            f"<style>{STYLE}</style>\n"
            f'<text x="{LABEL}" y="24">guest instructions: Baton\'s, of Linux\'s (the whole bar)'
            f"</text>\n{body}\n</svg>\n")
