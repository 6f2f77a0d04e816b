#!/usr/bin/python3
"""Boots the image for a USB stick on a machine with a screen and no keyboard but one on USB: the kernel's
log can be read on the screen, and so can what is typed."""
import os
import re
import subprocess
import sys
import tempfile

import harness
from harness import Machine, Options, project
from screen_text import UNKNOWN, screen_text

LOG_LINE = re.compile(r"^\[ *\d+\.\d+\] ")
GREETING = "Enter 'help'"  # of busybox's shell, which init starts on the console

KEYS = {" ": "spc", "-": "minus", "\n": "ret", "/": "slash"}


def look(machine, folder):
    path = os.path.join(folder, "screen.ppm")
    machine.query("screendump", filename=path)
    lines = screen_text(path)
    if os.environ.get("BATON_SCREEN"):  # a place to keep the picture, for a person to look at
        os.replace(path, os.environ["BATON_SCREEN"])
    return lines


def keys(machine, text):
    """Types on the keyboard, not on the serial port."""
    for letter in text:
        machine.query("send-key", keys=[{"type": "qcode", "data": KEYS.get(letter, letter)}])
        machine.wait(lambda: False, 0.15)


def test_log(tap, lines, logged):
    """The screen's lines, joined, hold each of the log's last lines, however they wrap."""
    text = "".join(lines)
    last = [line for line in logged if LOG_LINE.match(line)][-min(12, len(lines) // 2):]
    tap.check(len(last) > 3, "the kernel has logged something", *logged[-5:])
    missing = [line for line in last if line.rstrip() not in text]
    tap.check(not missing, f"the log's last {len(last)} lines are on the screen",
              "missing:", *missing, "on the screen:", *filter(str.strip, lines))
    known = sum(letter not in (" ", UNKNOWN) for letter in text)
    tap.check(text.count(UNKNOWN) * 50 < known, "nearly every cell shows a glyph of the font",
              f"{text.count(UNKNOWN)} do not, {known} do")


def write_image(tap, path):
    made = subprocess.run([os.path.join(project.SOURCE, "scripts", "image"), path, "--no-build"],
                          capture_output=True, text=True, check=False)
    return tap.check(made.returncode == 0, "scripts/image writes an image", made.stderr)


def test_large(tap, image, folder):
    """On a screen of many pixels the letters are twice as large."""
    large = "-global VGA.xres=2560 -global VGA.yres=1600 -global VGA.vgamem_mb=32"
    options = Options(image=image, media="usb", screen=True, watched=True, qemu=[large],
                      timeout=harness.TIMEOUT)
    with Machine(options) as machine:
        machine.wait(lambda: GREETING in machine.log.text(), 60)
        machine.wait(lambda: False, 2)
        lines = look(machine, folder)
        tap.equal(len(lines), 50, "2560 x 1600 pixels: 50 lines")
        test_log(tap, lines, machine.log.lines)


def test(tap):
    with tempfile.TemporaryDirectory(prefix="baton-screen-") as folder:
        image = os.path.join(folder, "stick.img")
        if not write_image(tap, image):
            return
        options = Options(image=image, media="usb", screen=True, watched=True, machine="q35,i8042=off",
                          qemu=["-device qemu-xhci,id=keys", "-device usb-kbd,bus=keys.0"],
                          timeout=harness.TIMEOUT)
        with Machine(options) as machine:
            shell = machine.wait(lambda: GREETING in machine.log.text(), 60)
            tap.check(shell, "it boots to a shell on the console", *machine.log.tail())
            machine.wait(lambda: False, 2)
            lines = look(machine, folder)
            test_log(tap, lines, machine.log.lines)
            tap.equal([line.partition("] ")[2] for line in machine.log.lines
                       if LOG_LINE.match(line) and "console" in line],
                      ["console: ttyS0 and the screen"], "one line says what the console is")
            tap.check(any(GREETING in line for line in lines), "so is the shell")
            keys(machine, "echo typed-by-hand\n")
            machine.wait(lambda: False, 2)
            answers = [line.rstrip() for line in look(machine, folder)
                       if line.startswith("typed-by-hand")]
            tap.equal(answers, ["typed-by-hand"], "a shell answers what is typed on the keyboard")
        test_large(tap, image, folder)


if __name__ == "__main__":
    sys.exit(harness.main(test))
