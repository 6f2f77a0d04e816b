#!/usr/bin/python3
"""menu.py menu|menu-long|PART…: the loader's menu with a person before it, at the screen and keyboard, and
at a serial line."""
import os
import re
import sys
import tempfile

import harness
from harness import Machine, Options, project
from screen import KEYS, keys, look

from baton import peer, qemu, volume

GREETING = "Enter 'help'"  # of the shell that init starts on the console
VENDOR = "4a67b082-0a4c-41cf-b6c7-440b29bb8c4f"
VARIABLES = "/sys/firmware/efi/efivars"
RESTARTS = "-action reboot=reset"  # a restart is one, not the machine's end
KEEPS = "/usr/share/OVMF/OVMF_CODE_4M.fd,/usr/share/OVMF/OVMF_VARS_4M.fd"  # its variables

KEYS.update({"<down>": "down", "<up>": "up", "<end>": "end", "<escape>": "esc", "=": "equal"})


def entry(title, options="", more=""):
    """An entry like the built one, under another title."""
    built = project.read(os.path.join(project.ESP, "loader/entries/baton.conf")).decode()
    lines = [line for line in built.splitlines() if not line.startswith("title")]
    text = "\n".join([f"title {title}", more, *lines, f"options {options}", ""])
    return text.encode()


FILES = {
    "loader/entries/baton.conf": entry("Baton", "chosen=first", "sort-key a"),
    "loader/entries/second.conf": entry("Second entry", "chosen=second", "sort-key b"),
    "loader/loader.conf": b"timeout menu-force\n",
}


class Person:
    """Sits before a machine whose menu is there, and goes on from one start to the next."""

    def __init__(self, tap, machine, folder):
        self.tap, self.machine, self.folder = tap, machine, folder

    def press(self, *names):
        """Keys by their names, or text to be typed."""
        for name in names:
            keys(self.machine, [name] if name in KEYS else name)

    def screen(self):
        return [line.rstrip() for line in look(self.machine, self.folder)]

    def sees(self, text, name, seconds=60):
        """Waits until the screen shows the text."""
        lines = []

        def shown():
            self.machine.wait(lambda: False, 0.5)  # looking takes a processor's time
            lines[:] = self.screen()
            return any(text in line for line in lines)

        found = self.machine.wait(shown, seconds)
        return self.tap.check(found, name, *filter(None, lines))

    def starts(self):
        """How often the firmware has started the loader."""
        return sum("BdsDxe: starting" in line for line in self.machine.log.lines)

    def sees_menu(self, name, start=1):
        """The menu of the start of this number."""
        self.machine.wait(lambda: self.starts() >= start, 90)
        return self.sees("more keys", name)

    def shell(self, name):
        """Waits for the shell of the start that is under way; returns the kernel's options."""
        return self.shell_of(self.starts(), name)

    def shell_of(self, start, name, seconds=90):
        """The same of the start of this number, which may be still to come."""
        def there():
            text = "\n".join(self.machine.log.lines)
            return self.starts() >= start and GREETING in text.split("BdsDxe: starting")[-1]

        if not self.tap.check(self.machine.wait(there, seconds), f"{name}: it starts",
                              *self.machine.log.tail()):
            return ""
        self.ask("stty columns 1000")  # what is typed stays on one line
        return self.ask("cat /proc/cmdline")

    def ask(self, command):
        """A command to the shell on the serial line, and its answer."""
        at = len(self.machine.log.lines)

        def answered():
            return any(line == "END-OF-ANSWER" for line in self.machine.log.lines[at:])

        self.machine.type(f"{command}; echo; echo END-OF''-ANSWER\r".encode())
        self.machine.wait(answered, 60)
        lines = [line for line in self.machine.log.lines[at:] if line and "-ANSWER" not in line]
        return "\n".join(lines)

    def restart(self):
        self.machine.type(b"reboot -f\r")


def utf16(text):
    """As printf(1) of a shell writes a variable of text: attributes, UTF-16 with its end."""
    return r"\7\000\000\000" + "".join(rf"{letter}\000" for letter in text) + r"\000\000"


def test_screen(tap, folder):
    options = Options(media="usb", screen=True, watched=True, files=FILES, qemu=[RESTARTS],
                      firmware=KEEPS, timeout=2 * harness.TIMEOUT)
    with Machine(options) as machine:
        person = Person(tap, machine, folder)
        person.sees_menu("two entries: the menu is there")
        lines = person.screen()
        titles = [line.strip() for line in lines if line.strip()]
        tap.equal(titles[0], "Baton 0.1", "it says whose it is")
        tap.equal(titles[2:4], ["Baton   default", "Second entry"], "both entries, in their order")

        person.press("m")
        person.sees("Secure Boot   off", "m: what the machine is")
        person.press("<escape>", "h")
        person.sees("power off", "h: the keys")
        person.press("<escape>", "r")
        person.sees("pixels now", "r: another resolution, and the menu is still there")
        person.press("<down>", "e")
        person.sees("Options of Second entry", "e: the options of the second entry")
        person.press(" edited=yes", "\n")
        line = person.shell("edited options")
        tap.check("chosen=second" in line and "edited=yes" in line, "they are the kernel's", line)
        person.restart()

        person.sees_menu("after a restart it is there again", 2)
        person.press("<down>", "d")
        person.sees("by default from now on", "d: the second one from now on")
        person.press("b")
        person.sees_menu("b: a restart", 3)
        tap.check(any("Second entry   default" in line for line in person.screen()),
                  "the second entry is the default", *person.screen())
        person.press("\n")
        tap.check("chosen=second" in person.shell("the new default"), "Enter starts it")
        tap.equal(person.ask(f"tail -c +5 {VARIABLES}/LoaderEntrySelected-{VENDOR} | tr -d '\\0'"),
                  "second.conf", "LoaderEntrySelected names it")
        tap.equal(person.ask(f"tail -c +5 {VARIABLES}/LoaderEntries-{VENDOR} | tr -d '\\0'"
                             " | cut -c 1-21"),
                  "baton.confsecond.conf", "LoaderEntries lists what the menu shows")

        person.ask(f"printf '{utf16('baton.conf')}' > {VARIABLES}/LoaderEntryOneShot-{VENDOR}")
        person.ask(f"printf '{utf16('3')}' > {VARIABLES}/LoaderConfigTimeoutOneShot-{VENDOR}")
        person.restart()
        machine.wait(lambda: person.starts() == 4, 90)
        tap.check("chosen=first" in person.shell("once"),
                  "LoaderEntryOneShot and a timeout: the first entry starts by itself")
        person.restart()
        person.sees_menu("and the next time", 5)
        person.sees("Second entry   default", "once is once")
        person.press("q")
        tap.check(machine.wait(lambda: any("Bds" in line for line in machine.log.lines[-8:]), 60),
                  "q: back to the firmware", *machine.log.tail())


BROKEN = entry("Broken", "", "sort-key c").replace(b"/baton/initrd.cpio", b"/baton/none.cpio")


def test_serial(tap, folder):
    """No screen: the same keys, as a terminal sends them."""
    log = os.path.join(folder, "log")
    files = {**FILES, "loader/entries/broken.conf": BROKEN}
    options = Options(watched=True, files=files, timeout=harness.TIMEOUT, log=log)
    with Machine(options) as machine:
        person = Terminal(tap, machine, folder)

        def shown(text):
            return machine.wait(lambda: text in project.read(log), 60)

        tap.check(shown(b"more keys"), "a serial line: the menu is there")
        tap.check(shown(b"Second entry"), "with its entries")
        person.sends(DOWN, DOWN, ENTER)
        tap.check(shown(b"none.cpio") and shown(b"return to the menu"),
                  "one that cannot be started: it says so, and waits", *machine.log.tail())
        person.sends(b" ")
        tap.check(shown(b"It did not start: not found."), "and the menu is there again")
        person.sends(b"\x1b[A", ENTER)
        tap.check("chosen=second" in person.shell("arrow and Enter"), "the second entry starts")


def test_hidden(tap, folder):
    """One entry: nothing is shown, unless a key is held."""
    options = Options(media="usb", screen=True, watched=True, timeout=harness.TIMEOUT)
    with Machine(options) as machine:
        person = Person(tap, machine, folder)

        def shown():
            person.press(" ")
            return any("more keys" in line for line in person.screen())

        machine.wait(lambda: "BdsDxe: starting" in machine.log.text(), 60)
        tap.check(machine.wait(shown, 60), "a key that is held shows a menu of one entry",
                  *person.screen())
        person.press("\n")
        person.shell("the only entry")


def counted(files, folder):
    """A disk with an entry that cannot be started and has two tries, and comes first."""
    broken = entry("Broken").replace(b"/baton/initrd.cpio", b"/baton/none.cpio")
    image = os.path.join(folder, "counting.img")
    with project.build_in_use():
        volume.write(image, qemu.esp_files(Options(files={
            "loader/entries/broken+2.conf": broken + b"sort-key 0\n", **files})), 512)
    return (f"-drive if=none,id=counted,format=raw,file={image} "
            "-device virtio-blk-pci,drive=counted,bootindex=0")


def test_counting(tap, folder):
    """It gives way to the next one, with nobody there; what cannot be counted is not tried again."""
    for timeout in (0, 1):
        disk = counted({"loader/loader.conf": f"timeout {timeout}\n".encode()}, folder)
        with Machine(Options(media="none", watched=True, qemu=[disk, RESTARTS], timeout=200)) as machine:
            person = Terminal(tap, machine, folder)
            person.shell_of(3, f"the third start, timeout {timeout}: the next entry", 180)
            tap.equal(machine.log.text().count("none.cpio: cannot open"), 2, "the other failed twice before")
            person.ask("mkdir /tmp/esp; mount -t vfat -o ro /dev/vda1 /tmp/esp")
            tap.equal(person.ask("ls /tmp/esp/loader/entries").split(), ["baton.conf", "broken+0-2.conf"],
                      "and has no tries left")
    disk = counted({"loader/loader.conf": b"timeout 0\n"}, folder).replace("=raw", "=raw,readonly=on")
    with Machine(Options(media="none", watched=True, qemu=[disk, RESTARTS], timeout=120)) as machine:
        machine.wait(lambda: "BdsDxe: failed" in machine.log.text() or machine.log.failure, 100)
        machine.wait(lambda: False, 10)
        text = machine.log.text()
        tap.check("its tries are not counted" in text and "restarts" not in text,
                  "a volume that is read only: said, and not for ever", *machine.log.tail())


def test_many(tap, folder):
    for count in (40, 500):
        files = {f"loader/entries/entry-{number:03}.conf": entry(f"Entry {number}")
                 for number in range(1, count + 1)}
        files["loader/entries/baton.conf"] = None
        files["loader/loader.conf"] = b"timeout menu-force\n"
        options = Options(media="usb", screen=True, watched=True, files=files, timeout=harness.TIMEOUT)
        with Machine(options) as machine:
            person = Person(tap, machine, folder)
            person.sees_menu(f"{count} entries: the menu is there")
            tap.check(any(f"Entry {count}   default" in line for line in person.screen()),
                      "the newest is the first", *person.screen())
            person.press("<end>")
            person.sees("firmware's setup", "the last one is reached")


def test_pictures(tap, folder):
    """Each page on a small, a usual and a large screen; BATON_PICTURES: a folder that keeps them."""
    keep = os.environ.get("BATON_PICTURES")
    broken = entry("Broken").replace(b"/baton/kernel.elf", b"/baton/none.elf")
    files = {**FILES, "loader/entries/broken.conf": broken}
    for width, height in ((800, 600), (1920, 1080), (3840, 2160)):
        size = f"-global VGA.xres={width} -global VGA.yres={height} -global VGA.vgamem_mb=64"
        options = Options(media="usb", screen=True, watched=True, files=files, qemu=[size],
                          timeout=harness.TIMEOUT)
        with Machine(options) as machine:
            person = Person(tap, machine, folder)

            def resolution():
                person.press("r")  # QEMU shows some sizes askew (1366 pixels are no multiple of 8)
                machine.wait(lambda: False, 2)
                return any(f"{width} x {height} " in line for line in person.screen())

            def page(name, text):
                found = person.sees(text, f"{width} x {height}: {name}")
                if keep:
                    machine.query("screendump", filename=os.path.join(keep, f"{name}-{height}.ppm"))
                return found

            # OVMF does not read so large a size from the screen's own description.
            person.sees_menu("the menu is there")
            if height > 2000:
                tap.check(any(resolution() for _ in range(40)), f"{width} x {height} pixels")
            page("menu", "more keys")
            lines = [line for line in person.screen() if line.strip()]
            tap.check(all(len(line.strip()) <= COLUMNS for line in lines), "no line is too long to be read")
            person.press("m")
            page("machine", f"{width} x {height}")
            person.press("<escape>", "h")
            page("keys", "power off")
            person.press("<escape>", "<down>", "e")
            page("line", "Options of Second entry")
            person.press("<escape>", "<end>", "<up>", "\n")
            tap.check(machine.wait(lambda: "none.elf" in machine.log.text(), 60), "a refusal",
                      *machine.log.tail())
            page("refusal", "It did not start")
            page("refusal", "none.elf")
            person.press("x")
            page("returned", "It did not start: not found")


class Terminal(Person):
    """A person at the serial line alone, with a disk of these files."""

    def __init__(self, tap, machine, folder):
        super().__init__(tap, machine, folder)
        self.log = os.path.join(folder, "log")

    def waits_for_menu(self, name, start):
        def shown():
            return project.read(self.log).count(b"more keys") >= start
        return self.tap.check(self.machine.wait(shown, 90), name, *self.machine.log.tail())

    def sends(self, *keys_sent):
        """Keys as a terminal sends them, one after the other."""
        for key in keys_sent:
            self.machine.type(key)
            self.machine.wait(lambda: False, 0.5)

    def variable(self, name):
        return self.ask(f"tail -c +5 {VARIABLES}/{name}-{VENDOR} | tr -d '\\0'")


DOWN, ENTER = b"\x1b[B", b"\r"


def two_partitions(path):
    """A disk with an entry on the EFI system partition, another, and a unified kernel image with three
    tries, on the extended boot loader partition."""
    with project.build_in_use():
        built = qemu.esp_files(Options())
        unified = qemu.esp_files(Options(unified=True, append="chosen=unified"))[qemu.LOADER]
    esp = {**built, "loader/entries/esp.conf": entry("On the ESP", "chosen=esp", "sort-key a"),
           "loader/entries/baton.conf": None, "loader/loader.conf": b"default @saved\ntimeout 5\n"}
    boot = {"loader/entries/boot.conf": entry("On XBOOTLDR", "chosen=boot", "sort-key b")
            .replace(b"/baton/", b"/other/"),
            "other/kernel.elf": built[qemu.KERNEL], "other/initrd.cpio": built[qemu.INITRD],
            "EFI/Linux/unified+3.efi": unified, "EFI/Linux/nothing.efi": b"MZ", "EFI/Linux/text.txt": b"x"}
    volume.write(path, {name: source for name, source in esp.items() if source is not None}, boot=boot)


def test_kinds(tap, folder):
    image, log = os.path.join(folder, "two.img"), os.path.join(folder, "log")
    two_partitions(image)
    options = Options(image=image, watched=True, qemu=[RESTARTS], firmware=KEEPS, log=log,
                      timeout=2 * harness.TIMEOUT)
    with Machine(options) as machine:
        person = Terminal(tap, machine, folder)
        person.waits_for_menu("entries of two partitions: the menu is there", 1)
        person.sends(DOWN, DOWN, ENTER)
        tap.check("chosen=unified" in person.shell("the unified kernel image"), "with its own options")
        tap.equal(person.variable("LoaderEntries").split("auto-")[0], "esp.confboot.confunified.efi",
                  "LoaderEntries has all three, in their order")
        tap.equal(person.variable("LoaderEntrySelected"), "unified.efi", "LoaderEntrySelected names it")
        tap.equal(person.variable("LoaderBootCountPath"), r"\EFI\Linux\unified+2-1.efi",
                  "LoaderBootCountPath its file")
        person.ask("mkdir /tmp/boot; mount -t vfat -o ro /dev/vda2 /tmp/boot")
        tap.equal(person.ask("ls /tmp/boot/EFI/Linux").split(),
                  ["nothing.efi", "text.txt", "unified+2-1.efi"], "one of its tries is gone")
        person.restart()

        tap.check("chosen=unified" in person.shell_of(2, "@saved: the same again, by itself"), "@saved")
        person.restart()
        person.waits_for_menu("the third start", 3)
        person.sends(b"\x1b[A", ENTER)
        tap.check("chosen=boot" in person.shell_of(3, "the entry on XBOOTLDR"), "its kernel, from there")
        tap.equal(person.variable("LoaderEntryLastBooted"), "boot.conf", "which is kept")


# In the machine's root: systemd-boot's entries as bootctl sees them, wherever the volume is.
BOOTCTL = "SYSTEMD_COLORS=0 SYSTEMD_URLIFY=0 SYSTEMD_RELAX_ESP_CHECKS=1 bootctl --esp-path=/tmp/esp"


def test_bootctl(tap, folder):
    """Debian's bootctl in Baton, and in Debian's Linux that Baton's menu starts from the same disk, chooses
    what starts next."""
    over = f"\ninitrd /{qemu.OVERLAY}"
    linux = entry("Linux", f"console=ttyS0 quiet panic=-1 chosen=linux{over}", "sort-key z").decode()
    linux = linux.replace("/baton/kernel.elf", "/linux/vmlinuz")
    linux = re.sub("^options (?!.*chosen).*\n", "", linux, flags=re.M)
    files = {"loader/entries/baton.conf": entry("Baton", f"chosen=first{over}", "sort-key a"),
             "loader/entries/second.conf": entry("Second", f"chosen=second{over}", "sort-key b"),
             "loader/entries/linux.conf": linux.encode(), "linux/vmlinuz": peer.kernel(),
             "loader/loader.conf": b"timeout 0\n"}
    root = [peer.packages(["systemd-boot"]), peer.modules()]
    log = os.path.join(folder, "log")
    options = Options(watched=True, files=files, root=root, qemu=[RESTARTS], firmware=KEEPS, log=log,
                      memory="2G", timeout=3 * harness.TIMEOUT)
    with Machine(options) as machine:
        person = Terminal(tap, machine, folder)
        tap.check("chosen=first" in person.shell("Baton"), "the first entry")
        person.ask("mkdir /tmp/esp; mount -t vfat -o ro /dev/vda1 /tmp/esp")
        status = person.ask(f"{BOOTCTL} --no-pager status")
        for words in ("Product: Baton 0.1", "\u2713 Boot loader sets ESP information",
                      "\u2514\u2500/EFI/BOOT/BOOTX64.EFI", "\u2713 Boot counting",
                      "\u2713 Support @saved pseudo-entry", "\u2713 Support for XBOOTLDR partition",
                      "\u2713 Support Type #1 sort-key field"):
            tap.check(words in status, f"bootctl status: {words}", status)
        tap.check("Baton (default) (selected)" in person.ask(f"{BOOTCTL} --no-pager list"),
                  "bootctl list: which is selected")
        listed = re.findall(r"^ +id: (\S+)", person.ask(f"{BOOTCTL} --no-pager list"), re.M)
        tap.equal(listed[:3], ["baton.conf", "second.conf", "linux.conf"], "bootctl list: as in the menu")
        person.ask(f"{BOOTCTL} set-default second.conf")
        person.ask(f"{BOOTCTL} set-oneshot linux.conf")
        person.restart()

        tap.check("chosen=linux" in person.shell_of(2, "bootctl set-oneshot in Baton", 240), "Linux, once")
        person.ask("insmod /modules/efivarfs.ko; mount -t efivarfs none /sys/firmware/efi/efivars")
        tap.check("Product: Baton 0.1" in person.ask("bootctl --no-pager status 2>&1"),
                  "bootctl in Linux knows Baton")
        person.ask("bootctl set-oneshot baton.conf")
        person.restart()
        tap.check("chosen=first" in person.shell_of(3, "bootctl set-oneshot in Linux", 120),
                  "Baton's first, once")
        person.restart()
        tap.check("chosen=second" in person.shell_of(4, "bootctl set-default in Baton", 120),
                  "and from then on")


def test_blessing(tap, folder):
    """Debian's systemd-bless-boot finds the file that the loader renamed, and takes its counts away."""
    counting = entry("Baton", f"rw-disks\ninitrd /{qemu.OVERLAY}")
    files = {"loader/entries/baton.conf": None, "loader/entries/Baton+3.conf": counting}
    bless = "SYSTEMD_RELAX_ESP_CHECKS=1 /lib/systemd/systemd-bless-boot --path=/tmp/esp"
    options = Options(watched=True, files=files, root=[peer.packages(["systemd-boot"])], firmware=KEEPS,
                      memory="2G", timeout=harness.TIMEOUT)
    with Machine(options) as machine:
        person = Terminal(tap, machine, folder)
        person.shell("an entry with three tries")
        person.ask("mkdir /tmp/esp; mount -t vfat /dev/vda1 /tmp/esp")
        tap.equal(person.ask(f"ls /tmp/esp/loader/entries; {bless} status").split(),
                  ["Baton+2-1.conf", "indeterminate"], "one was taken")
        person.ask(f"{bless} good")
        tap.equal(person.ask(f"ls /tmp/esp/loader/entries; {bless} status").split(), ["Baton.conf", "good"],
                  "it was a good start")


def test_linux(tap, folder):
    """Debian's Linux from Baton's menu, with the same initrd."""
    text = entry("Linux").decode().replace("/baton/kernel.elf", "/linux/vmlinuz")
    text = re.sub("^options.*$", "", text, flags=re.MULTILINE) + "options console=ttyS0 quiet panic=-1\n"
    files = {"loader/entries/linux.conf": text.encode(), "linux/vmlinuz": peer.kernel(),
             "loader/loader.conf": b"default linux\ntimeout 0\n"}
    options = Options(watched=True, files=files, timeout=harness.TIMEOUT)
    with Machine(options) as machine:
        there = machine.wait(lambda: GREETING in machine.log.text(), 240)
        tap.check(there, "Linux starts from an entry, to a shell in the initrd", *machine.log.tail())
        person = Person(tap, machine, folder)
        tap.check("Debian" in person.ask("cat /proc/version"), "it is Debian's")


COLUMNS = 100  # loader/menu/display.c

PARTS = {
    "menu": (test_screen, test_counting),
    "menu-long": (test_serial, test_hidden, test_many, test_pictures, test_linux, test_kinds,
                  test_bootctl, test_blessing),
}


def test(tap):
    with tempfile.TemporaryDirectory(prefix="baton-menu-") as folder:
        for name in sys.argv[1:]:
            for part in PARTS.get(name) or (globals()[f"test_{name}"],):
                part(tap, folder)


if __name__ == "__main__":
    sys.exit(harness.main(test))
