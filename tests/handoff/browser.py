#!/usr/bin/python3
"""The page in a browser: no sideways scrolling, on a phone or a desk; dark when that is asked for; every part
of it is there and leads somewhere; nothing is fetched; it can be printed, folded parts too. Skipped where
Debian's chromium is not installed."""
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "boot"))
import harness  # noqa: E402
import clean  # noqa: E402
from failures import FAILURES  # noqa: E402
from baton import project  # noqa: E402

BROWSER = shutil.which("chromium")
# A frame of the width in question: a window has a least width of its own.
FRAME = """<iframe id=f style="width:{width}px;height:800px;border:0" src=page.html></iframe><script>
onload = () => {{ const page = document.getElementById('f').contentDocument;
document.title = page.documentElement.scrollWidth + ' ' + page.documentElement.clientWidth + ' ' +
  getComputedStyle(page.body).backgroundColor;
}}</script>"""
SECTIONS = ["findings", "machine", "memory", "time", "pages", "calls", "tables", "images", "trust"]
# What is not as it should be, as the page's title.
INSPECT = """<iframe id=f style="width:1280px;height:800px;border:0" src=page.html></iframe><script>
onload = () => { const frame = document.getElementById('f'), page = frame.contentDocument, wrong = [];
const say = (good, what) => { if (!good) wrong.push(what); };
const seen = element => element && element.getBoundingClientRect().height > 0;
for (const name of SECTIONS) {
  const head = page.getElementById(name);
  say(seen(head) && seen(head.nextElementSibling), 'section ' + name); }
say(page.querySelector('section h2').id == 'findings', 'findings first');
for (const card of page.querySelectorAll('.finding'))
  say(seen(card.querySelector('.do')), card.id + ' says what to do');
say(page.querySelectorAll('.square').length == 74, 'a square for every check');
for (const link of page.querySelectorAll('a[href]'))
  say(page.getElementById(link.hash.slice(1)), link.hash + ' leads nowhere');
for (const strip of page.querySelectorAll('.strip')) {
  const widths = [...strip.querySelectorAll('rect')].map(one => one.getBoundingClientRect().width);
  say(widths.length && Math.min(...widths) >= 1, 'a strip: ' + strip.textContent.slice(0, 20)); }
say(page.querySelectorAll('.strip').length >= 4, 'strips of memory');
for (const fold of page.querySelectorAll('details')) {
  fold.open = true;
  say(seen(fold.children[1]), 'a fold'); }
say(page.documentElement.scrollWidth <= 1280, 'unfolded, it scrolls sideways');
say(frame.contentWindow.performance.getEntriesByType('resource').length == 0, 'something was fetched');
document.title = 'wrong: ' + (wrong.join('; ') || 'nothing');
}</script>""".replace("SECTIONS", str(SECTIONS))


def browse(folder, *arguments):
    return subprocess.run([BROWSER, "--headless", "--no-sandbox", "--disable-gpu",
                           "--allow-file-access-from-files", f"--user-data-dir={folder}/profile", *arguments],
                          capture_output=True, text=True, check=False, timeout=120).stdout


def measure(folder, width, *arguments):
    """(width that the page needs, width that it has, the colour behind it)"""
    with open(os.path.join(folder, "frame.html"), "w", encoding="utf-8") as file:
        file.write(FRAME.format(width=width))
    told = browse(folder, *arguments, "--window-size=1600,900", "--dump-dom", f"file://{folder}/frame.html")
    found = re.search(r"<title>(\d+) (\d+) (.*?)</title>", told)
    return (int(found.group(1)), int(found.group(2)), found.group(3)) if found else (0, 0, told[:200])


def page_write(folder):
    """A page with a place for everything: ten faults at once."""
    record = clean.clean()
    for check, name, edit in FAILURES:
        if check in (7, 22, 30, 42, 47, 52, 63):
            edit(record)
    path = os.path.join(folder, "page.rec")
    with open(path, "wb") as file:
        file.write(record.bytes())
    environment = {**os.environ, "PYTHONPATH": os.path.join(project.SOURCE, "scripts")}
    with open(os.path.join(folder, "page.html"), "wb") as file:
        subprocess.run([sys.executable, "-m", "baton.handoff", "--page", path], stdout=file, check=True,
                       env=environment)


def looks(tap, folder):
    page_write(folder)
    colours = []
    for width in (390, 1280):
        needs, has, colour = measure(folder, width)
        tap.check(0 < needs <= has <= width, f"no sideways scrolling at {width} pixels", needs, has, colour)
        colours.append(colour)
    dark = measure(folder, 1280, "--blink-settings=preferredColorScheme=0")[2]
    tap.check(dark != colours[1] and dark.startswith("rgb"), "dark when that is asked for", dark, colours)
    with open(os.path.join(folder, "inspect.html"), "w", encoding="utf-8") as file:
        file.write(INSPECT)
    told = browse(folder, "--window-size=1600,900", "--dump-dom", f"file://{folder}/inspect.html")
    found = re.search(r"<title>(.*?)</title>", told)
    tap.equal(found.group(1) if found else told[:200], "wrong: nothing",
              "every part is there and leads somewhere")
    browse(folder, f"--print-to-pdf={folder}/page.pdf", f"file://{folder}/page.html")
    path = os.path.join(folder, "page.pdf")
    tap.check(os.path.exists(path) and os.path.getsize(path) > 20000, "it can be printed")


def test(tap):
    if BROWSER is None:
        tap.skip("the page in a browser", "chromium is not installed")
        return
    with tempfile.TemporaryDirectory() as folder:
        looks(tap, folder)


if __name__ == "__main__":
    harness.main(test)
