#!/usr/bin/python3
"""usb.py CASE...: a person at a machine whose only keyboard hangs on USB: types, plugs and unplugs; what
comes of it is read from the screen. USB_ROUNDS in the environment: how often things are plugged."""
import os
import shutil
import struct
import subprocess
import sys
import tempfile

import harness
from harness import Machine, Options
from screen_text import screen_text

ROUNDS = int(os.environ.get("USB_ROUNDS", "10"))
PATIENCE = 60
PATIENCE_A_ROUND = 20
PROMPT = "baton:/#"
XHCI = "-device qemu-xhci,id=usb"
KEYBOARD = "-device usb-kbd,bus=usb.0"
# What stands on a US keyboard's keys, by QEMU's names.
KEYS = {" ": "spc", "-": "minus", "\n": "ret", "/": "slash", ".": "dot", ";": "semicolon",
        "'": "apostrophe"}
SHIFTED = {"|": "backslash", ":": "semicolon", "!": "1", ">": "dot", "_": "minus", "$": "4", "?": "slash",
           "&": "7", "\"": "apostrophe"}


class Person:
    """Looks at the screen and types; there is no PS/2 keyboard."""

    def __init__(self, machine, folder):
        self.machine = machine
        self._picture = os.path.join(folder, "screen.ppm")

    def screen(self):
        self.machine.query("screendump", filename=self._picture)
        return [line.rstrip() for line in screen_text(self._picture)]

    def sees(self, condition, seconds=PATIENCE):
        """Whether the screen's lines come to fulfil the condition."""
        for _ in range(int(seconds * 4)):
            if condition(self.screen()):
                return True
            if self.machine.wait(lambda: bool(self.machine.cause), 0.25):
                return False
        return False

    def press(self, *keys, held=40):
        """All at once, for so many milliseconds."""
        self.machine.query("send-key", keys=[{"type": "qcode", "data": key} for key in keys],
                           **{"hold-time": held})
        self.machine.wait(lambda: False, held / 1000 + 0.1)

    def types(self, text):
        for letter in text:
            if letter in SHIFTED or letter.isupper():
                self.press("shift", SHIFTED.get(letter, letter.lower()))
            else:
                self.press(KEYS.get(letter, letter))

    def answer(self, command):
        """What a command prints: the lines between its own and the next prompt."""
        self.types(f"clear;{command}\n")
        if not self.sees(lambda lines: lines[0] != "" and PROMPT in [line.strip() for line in lines]):
            return []
        lines = [line.strip() for line in self.screen()]
        return lines[:lines.index(PROMPT)]


def machine(*qemu, append="", machine="q35,i8042=off", **options):
    return Machine(Options(machine=machine, append=f"console=tty0 {append}", screen=True, watched=True,
                           debug_kernel=True, timeout=harness.TIMEOUT + PATIENCE_A_ROUND * ROUNDS,
                           qemu=list(qemu), **options))


def begins(tap, person, name):
    ready = person.sees(lambda lines: PROMPT in [line.strip() for line in lines])
    return tap.check(ready, f"{name}: a shell on the screen", *person.machine.log.tail(), *person.screen())


def with_person(tap, name, *qemu, **options):
    """Boots, and yields who sits there."""
    with tempfile.TemporaryDirectory(prefix="baton-usb-") as folder, machine(*qemu, **options) as booted:
        person = Person(booted, folder)
        if begins(tap, person, name):
            yield person
        tap.check("panic" not in booted.log.text(), f"{name}: no panic", *booted.log.tail())


# ---- typing ----

def test_typing(tap):
    """At the shell, in vi, Ctrl-C, a key that is held, Caps Lock; Ctrl-Alt-Delete at last."""
    for person in with_person(tap, "typing", XHCI, KEYBOARD):
        tap.equal(person.answer("echo Hello_World! | wc -c"), ["13"], "a command is typed and answered")
        person.types("vi /tmp/note\n")
        person.sees(lambda lines: lines[0] == "" and any(line.startswith("~") for line in lines))
        person.types("ia line")
        person.press("esc")
        person.types(":wq\n")
        person.sees(lambda lines: PROMPT in [line.strip() for line in lines])
        tap.equal(person.answer("cat /tmp/note"), ["a line"], "a line is written in vi")
        person.types("clear;cat\n")
        person.press("x", held=1500)
        person.types("\n")
        repeated = person.sees(lambda lines: any("xxxxxxxx" in line for line in lines), 10)
        tap.check(repeated, "a key that is held repeats", *person.screen()[:6])
        person.press("caps_lock")
        person.types("abc")
        person.press("caps_lock")
        person.types("abc\n")
        tap.check(person.sees(lambda lines: "ABCabc" in lines, 10), "Caps Lock", *person.screen()[:6])
        person.press("ctrl", "c")
        tap.check(person.sees(lambda lines: PROMPT in [line.strip() for line in lines], 10),
                  "Ctrl-C ends a program", *person.screen()[:8])
        person.press("ctrl", "alt", "delete")
        person.machine.wait(lambda: bool(person.machine.ended_itself), PATIENCE)
        tap.equal(person.machine.ended_itself, "reset", "Ctrl-Alt-Delete restarts the machine")


PLACES = {
    "behind a hub": (XHCI, "-device usb-hub,bus=usb.0,port=1", "-device usb-kbd,bus=usb.0,port=1.3"),
    "behind five hubs": (XHCI, *(f"-device usb-hub,bus=usb.0,port={'.'.join('1' * depth)}"
                                 for depth in range(1, 6)), "-device usb-kbd,bus=usb.0,port=1.1.1.1.1.2"),
    "on a second controller": (XHCI, "-device nec-usb-xhci,id=second", "-device usb-kbd,bus=second.0"),
    "by the pin": ("-device nec-usb-xhci,id=usb,msi=off,msix=off", KEYBOARD),
    "by MSI": ("-device nec-usb-xhci,id=usb,msi=on,msix=off", KEYBOARD),
    "at full speed": (XHCI, "-device usb-kbd,bus=usb.0,usb_version=1"),
}


def test_places(tap):
    for name, qemu in PLACES.items():
        for person in with_person(tap, name, *qemu):
            tap.equal(person.answer("echo typed"), ["typed"], f"a keyboard {name}")


# Keys by QEMU's names, and what they are on each layout; a tuple is pressed at once.
LAYOUTS = {
    "uk": [(("shift", "3"), "£"), (("shift", "2"), "\""), (("backslash",), "#"),
           (("shift", "grave_accent"), "¬"), (("alt_r", "4"), "€"), (("z",), "z")],
    "de": [(("y",), "z"), (("z",), "y"), (("bracket_left",), "ü"), (("shift", "apostrophe"), "Ä"),
           (("minus",), "ß"),
           (("alt_r", "q"), "@"), (("alt_r", "minus"), "\\"), (("equal",), ""), (("e",), "é"),
           (("grave_accent",), ""), (("o",), "ô"), (("less",), "<")],
    "fr": [(("q",), "a"), (("w",), "z"), (("2",), "é"), (("shift", "2"), "2"), (("semicolon",), "m"),
           (("bracket_left",), ""), (("e",), "ê"), (("alt_r", "0"), "@"), (("9",), "ç")],
}


def test_layouts(tap):
    """keymap=: what the line discipline echoes of the keys."""
    for layout, keys in LAYOUTS.items():
        for person in with_person(tap, layout, XHCI, KEYBOARD, append=f"keymap={layout}"):
            for letter in "cat":  # where a is differs
                person.press({("fr", "a"): "q"}.get((layout, letter), letter))
            person.press("ret")
            for pressed, _ in keys:
                person.press(*pressed)
            person.press("ret")
            expected = "".join(sent for _, sent in keys)
            tap.check(person.sees(lambda lines: lines.count(expected) >= 2, 10),
                      f"keymap={layout}: {expected}", *person.screen())


# ---- plugging ----

def memory(person):
    """What the kernel itself has: bytes of its heap, not frames of it, of which one may go or stay with what
    lies beside; and frames by owner."""
    lines = [line.split() for line in person.answer("cat /proc/baton/frames /proc/baton/objects")]
    return {line[0]: line[1] for line in lines
            if len(line) == 2 and line[0] in ("heap", "kernel_stack", "page_table", "device")}


def plugged(person, number, busy=0):
    """A second keyboard and a stick come and go, in another place each time; the stick stays for so long
    (seconds)."""
    booted = person.machine
    at = len(booted.log.text())
    place = [{"bus": "usb.0", "port": "1.2"}, {"bus": "usb.0", "port": "3"}][number % 2]
    booted.query("device_add", driver="usb-kbd", id="other", **place)
    booted.query("device_add", driver="usb-storage", id="stick", drive="stick",
                 bus=["usb.0", "second.0"][number // 2 % 2])
    came = booted.wait(lambda: all(word in booted.log.text()[at:] for word in ("Keyboard", "HARDDRIVE")),
                       PATIENCE)
    booted.wait(lambda: False, busy)
    at = len(booted.log.text())
    booted.query("device_del", id="other")
    booted.query("device_del", id="stick")
    went = booted.wait(lambda: booted.log.text()[at:].count(": gone") >= 2, PATIENCE)
    booted.wait(lambda: False, 0.2)
    booted.query("human-monitor-command",
                 **{"command-line": "drive_add 0 if=none,id=stick,driver=null-co,size=64M,read-zeroes=on"})
    return came and went


def warmed_up(person):
    """Once in each place, and the counts asked for."""
    for number in range(4):
        plugged(person, number)
    memory(person)


# Reads and writes the stick whenever it is there. It is written to by a link: who opens that too late
# makes a file beside the links, and none that stands in the way of the stick's node.
BUSY = r"""
while [ ! -e /stop ]; do
    dd if=/dev/sda of=/dev/null bs=64k 2>> /errors
    dd if=/dev/zero of=/dev/disk/by-path/stick bs=64k count=256 conv=notrunc 2>> /errors
    for link in /dev/disk/by-path/*usb*; do [ ! -b $link ] || ln -sf $link /dev/disk/by-path/stick; done
done
"""


def test_plugging_busy(tap):
    """A stick comes and goes while it is read and written: nothing hangs, and who uses it gets EIO."""
    with tempfile.TemporaryDirectory() as root:
        with open(os.path.join(root, "busy"), "w", encoding="ascii") as file:
            file.write(BUSY)
        for person in with_person(tap, "plugging, busy", XHCI, "-device usb-kbd,bus=usb.0,port=2",
                                  "-device usb-hub,bus=usb.0,port=1", "-device nec-usb-xhci,id=second",
                                  "-drive if=none,id=stick,driver=null-co,size=64M,read-zeroes=on",
                                  smp=2, root=[root]):
            warmed_up(person)
            before = memory(person)
            person.types("sh /busy &\n")
            done = 0
            while done < ROUNDS and plugged(person, done, busy=0.5 + done % 7 / 7):
                done += 1
            tap.equal(done, ROUNDS, "a stick that is in use comes and goes so often")
            person.answer("touch /stop; wait; echo ended")
            errors = person.answer("grep -c 'Input/output error' /errors")
            tap.check(errors and int(errors[0]) > 0, "who reads or writes it gets EIO", *errors)
            person.answer("rm -f /dev/disk/by-path/stick /stop /errors")
            tap.equal(memory(person), before, "all memory came back from a stick in use")
            tap.equal(person.answer("echo alive"), ["alive"], "the keyboard that stayed works beside it")


MIB = 1 << 20
PARTS = [(1 * MIB, 32 * MIB), (33 * MIB, 24 * MIB), (57 * MIB, 24 * MIB)]


def stick_image(folder):
    """Three partitions: nothing, and two FAT volumes with a file; what storage/disk_gone.c expects."""
    volume, stick = os.path.join(folder, "volume"), os.path.join(folder, "stick")
    with open(volume, "wb") as file:
        file.truncate(PARTS[1][1])
    with open(os.path.join(folder, "big"), "wb") as file:
        file.write(bytes(4 * MIB))
    subprocess.run(["mformat", "-i", volume, "-v", "STICK", "::"], check=True)
    subprocess.run(["mcopy", "-i", volume, os.path.join(folder, "big"), "::big"], check=True)
    table = b"".join(struct.pack("<8sII", bytes([0, 0, 2, 0, 0xc, 0, 2, 0]), start // 512, size // 512)
                     for start, size in PARTS)
    with open(volume, "rb") as file:
        contents = file.read()
    with open(stick, "wb") as file:
        file.truncate(96 * MIB)
        file.write((bytes(446) + table).ljust(510, b"\0") + b"\x55\xaa")
        for start, _ in PARTS[1:]:
            file.seek(start)
            file.write(contents)
    return stick


def pulled_out(booted, number, drive):
    """One round; whether the program goes on after it."""
    booted.query("device_add", driver="usb-storage", id="stick", drive="stick", bus="usb.0")
    if not booted.wait(lambda: b"# ready %d\n" % number in booted.output.data, PATIENCE):
        return False
    booted.wait(lambda: False, number % 7 / 10)
    booted.query("device_del", id="stick")
    if not booted.wait(lambda: b"# done %d\n" % number in booted.output.data, PATIENCE):
        return False
    booted.wait(lambda: False, 0.5)  # for QEMU to let go of the drive
    if b"ok 1" not in booted.output.data:
        booted.query("human-monitor-command", **{"command-line": f"drive_add 0 {drive}"})
    return True


def test_pulled_out(tap):
    """A stick is pulled out while it is used in every way at once: programs/storage/disk_gone.c."""
    with tempfile.TemporaryDirectory() as folder:
        root = os.path.join(folder, "root")
        os.mkdir(root)
        shutil.copy(harness.built(os.path.join(harness.project.BUILD, "tests", "boot", "disk_gone")), root)
        drive = f"if=none,id=stick,file={stick_image(folder)},format=raw,cache=unsafe"
        options = Options(qemu=[XHCI, f"-drive {drive}"], smp=4, debug_kernel=True, root=[root], watched=True,
                          timeout=harness.TIMEOUT + PATIENCE_A_ROUND * ROUNDS)
        with Machine(options, ["/disk_gone", str(ROUNDS)]) as booted:
            done = 0
            while done < ROUNDS and pulled_out(booted, done, drive):
                done += 1
            booted.run()
        for line in booted.output.data.decode(errors="replace").splitlines():
            if line.startswith("#"):
                tap.note(line[2:])
            elif " - " in line:
                tap.check(line.startswith("ok"), line.split(" - ", 1)[1])
        tap.check(booted.status == 0, "pulled out: it gets through", harness.describe(booted))


def test_plugging(tap):
    for person in with_person(tap, "plugging", XHCI, "-device usb-kbd,bus=usb.0,port=2",
                              "-device usb-hub,bus=usb.0,port=1", "-device nec-usb-xhci,id=second",
                              "-drive if=none,id=stick,driver=null-co,size=64M,read-zeroes=on", smp=2):
        warmed_up(person)
        before = memory(person)
        done = 0
        while done < ROUNDS and plugged(person, done):
            done += 1
        tap.equal(done, ROUNDS, "a keyboard and a stick come and go so often")
        tap.equal(memory(person), before, "all memory came back")
        tap.equal(person.answer("echo alive"), ["alive"], "the keyboard that stayed works")


# ---- devices that lie ----

ONE_IN = (7, 30, 100, 300, 1000, 3000)


def test_tampered(tap):
    """tamper=N falsifies one in N bytes of what the controller and devices say: keyboards and sticks may
    be lost by that, and nothing else."""
    for one_in in ONE_IN:
        devices = (XHCI, "-device usb-hub,bus=usb.0,port=1", "-device usb-kbd,bus=usb.0,port=1.1",
                   "-device usb-kbd,bus=usb.0,port=2",
                   "-drive if=none,id=stick,driver=null-co,size=64M,read-zeroes=on",
                   "-device usb-storage,bus=usb.0,drive=stick,id=disk")
        options = Options(append=f"tamper={one_in}", debug_kernel=True, screen=True, timeout=harness.TIMEOUT,
                          qemu=list(devices), watched=True)
        with Machine(options, ["sh", "-c", "sleep 9; echo alive"]) as booted:
            booted.wait(lambda: booted.ready, PATIENCE)
            for letter in "tampered":
                booted.query("send-key", keys=[{"type": "qcode", "data": letter}])
                booted.wait(lambda: False, 0.3)
            booted.run()
        tap.check(booted.status == 0 and b"alive" in booted.output.data,
                  f"one in {one_in}: a program runs to its end", harness.describe(booted))


CASES = {"typing": test_typing, "places": test_places, "layouts": test_layouts, "plugging": test_plugging,
         "plugging-busy": test_plugging_busy, "pulled-out": test_pulled_out,
         "tampered": test_tampered}


def test(tap):
    for name in sys.argv[1:] or CASES:
        CASES[name](tap)


if __name__ == "__main__":
    sys.exit(harness.main(test))
