#!/usr/bin/python3
"""persist.py CASE...: sticks that scripts/image --persist makes: booted by the firmware to bash, typed at,
cut off (QEMU is killed); what was synced is there, e2fsck and fsck.vfat are content. A case is DEVICE on
MACHINE, the same by U-Boot, each of them behind "Debian from": a tree that debootstrap made, with python3 and
gcc; image; or cuts: so many at random moments as PERSIST_CUTS in the environment says, else 3. Behind "lost
writes from": cut at LOST_CUTS (else 40) requests of one run, and what was not flushed is there or not."""
import contextlib
import dataclasses
import functools
import os
import random
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import time

import harness
import write_log
from baton import peer, persist, project
from harness import Machine, Options

CUTS = int(os.environ.get("PERSIST_CUTS", "3"))
LOST_CUTS = int(os.environ.get("LOST_CUTS", "40"))
LOST_SYNCS = 25  # before the machine is killed
PATIENCE = 240
PATIENCE_DEBIAN = 900  # a compiler, read through three servers
DEVICES = {
    "virtio": ["virtio-blk-pci,drive=stick,bootindex=0"],
    "NVMe": ["nvme,drive=stick,serial=stick,bootindex=0"],
    "SATA": ["ahci,id=own", "ide-hd,bus=own.0,drive=stick,bootindex=0"],
    "USB": ["qemu-xhci,id=usb", "usb-storage,bus=usb.0,drive=stick,removable=on,bootindex=0"],
    "SD": ["sdhci-pci", "sd-card,drive=stick"],  # this firmware does not boot from it: another disk is there
    "SATA, built in": ["ide-hd,bus=ide.0,drive=stick"],  # the only SATA that U-Boot looks at
}
DEBIAN = "Debian from "
LOST = "lost writes from "
U_BOOT = "/usr/lib/u-boot/qemu-x86_64/u-boot.rom"


def tree_make(folder):
    """This host's bash, and more than the machine has memory, which takes no room as squashfs."""
    for path in persist.needed(["/bin/bash"]):
        target = f"{folder}/usr{path.removeprefix('/usr')}"
        os.makedirs(os.path.dirname(target), exist_ok=True)
        shutil.copy(path, target)
    os.mkdir(f"{folder}/etc")
    with open(f"{folder}/etc/passwd", "w", encoding="ascii") as file:
        file.write("root:x:0:0:root:/root:/bin/bash\n")
    with open(f"{folder}/large", "wb") as file:
        file.truncate(300 << 20)


def image_make(out, tree, *options):
    """Runs scripts/image's part; its status."""
    return subprocess.run(["/usr/bin/python3", "-m", "baton.image", out, "--no-build", "--root", tree,
                           *options],
                          env={**os.environ, "PYTHONPATH": os.path.join(project.SOURCE, "scripts")},
                          check=False, capture_output=True, text=True)


def partitions(image):
    """(offset, size) of each in bytes."""
    with open(image, "rb") as file:
        file.seek(1024)
        entries = [struct.unpack_from("<32xQQ", file.read(128)) for _ in range(3)]
    return [(first * 512, (last + 1 - first) * 512) for first, last in entries if last]


def extract(image, number, path):
    offset, size = partitions(image)[number]
    subprocess.run(["dd", f"if={image}", f"of={path}", "bs=1M", "iflag=skip_bytes,count_bytes",
                    f"skip={offset}", f"count={size}", "conv=sparse", "status=none"], check=True)
    return path


@dataclasses.dataclass
class Trial:
    """What lies on a stick, and what a person does with it."""
    tree: str
    size: str
    memory: str
    patience: int
    write: str
    look: str  # after a cut
    looks: list  # what that prints


def little(folder):
    """A tree of this host's bash."""
    tree = os.path.join(folder, "tree")
    os.mkdir(tree)
    tree_make(tree)
    write = ("mkdir -p /root/folder /usr/new; echo kept > /root/folder/file; cp /bin/busybox /usr/new/copy; "
             "mv /usr/new/copy /usr/new/moved; echo more >> /etc/passwd; rm /usr/bin/vi; sync; echo synced")
    look = ("cat /root/folder/file; cmp /bin/busybox /usr/new/moved && echo same; tail -n 1 /etc/passwd; "
            "ls /usr/bin/vi /usr/new; tail -c 5000 /large | wc -c")
    return Trial(tree, "64M", "256M", PATIENCE, write, look, [
        "kept", "same", "more", "ls: /usr/bin/vi: No such file or directory", "/usr/new:", "moved", "5000"])


def debian(_folder):
    """Debian's minbase with python3 and gcc, as a person installs it."""
    tree = peer.debootstrap(["python3-minimal", "gcc", "libc6-dev"])
    with open(f"{tree}/var/lib/dpkg/status", encoding="utf-8") as file:
        installed = file.read().count("\nStatus: install ok installed\n")
    program = r"#include <stdio.h>\nint main(void) { return puts(\"compiled\") < 0; }\n"
    write = (f"cd /root; printf '{program}' > main.c; gcc -O2 -o main main.c; "
             "echo 'print(sum(range(100)))' > sum.py; "
             "apt list --installed 2> /dev/null > list; sync; echo synced")
    look = ("cd /root; ./main; python3 sum.py; grep -c installed list; apt list --installed 2> /dev/null | "
            "cmp - list && echo same; gcc -O2 -o again main.c && cmp main again && echo compiles")
    return Trial(tree, "512M", "1G", PATIENCE_DEBIAN, write, look, [
        "compiled", "4950", str(installed), "same", "compiles"])


class Stick:
    """An image, and machines that boot from it."""

    def __init__(self, folder, trial):
        self._folder = folder
        self.trial = trial
        self._new = os.path.join(folder, "new.img")
        made = image_make(self._new, trial.tree, "--persist", trial.size)
        if made.returncode:
            raise project.Failure(made.stderr)
        self.image = os.path.join(folder, "stick.img")
        self.renew()

    def renew(self):
        """As it was made."""
        subprocess.run(["cp", "--sparse=always", self._new, self.image], check=True)

    @contextlib.contextmanager
    def booted(self, device="virtio", machine="q35", firmware=None, log=None):
        """Yields a Person; the machine is killed when the block is left. `log`: where its writes go, too."""
        drive = [f"-drive if=none,id=stick,format=raw,file={self.image}"]
        if log:
            drive = write_log.drive("stick", self.image, log)
        options = Options(machine=machine, firmware=firmware, media="none", memory=self.trial.memory,
                          debug_kernel=True, timeout=4 * self.trial.patience,
                          qemu=[*drive, *(f"-device {one}" for one in DEVICES[device])])
        if device == "SD":
            options.media, options.servers = "virtio", persist.PROGRAMS
            os.truncate(self.image, 1 << (os.path.getsize(self.image) - 1).bit_length())  # as cards are
            entry = subprocess.run(["mtype", "-i", f"{self.image}@@1M", "::/loader/entries/baton.conf"],
                                   capture_output=True, text=True, check=True).stdout
            options.append = " ".join(re.findall(r"(?:root|changes)=\S+", entry))
        with Machine(options, None) as guest:
            yield Person(guest, self.trial.patience)

    def checked(self, tap, name):
        """Whether the checkers are content with what a cut left, as the next boot has it checked; the path
        of the file system."""
        part = extract(self.image, 2, os.path.join(self._folder, "changes"))
        ended = subprocess.run(["e2fsck", "-p", part], capture_output=True, text=True, check=False)
        tap.check(ended.returncode <= 1, f"{name}: e2fsck -p mends what there is", ended.stdout, ended.stderr)
        system = extract(self.image, 0, os.path.join(self._folder, "system"))
        ended = subprocess.run(["fsck.vfat", "-n", system], capture_output=True, text=True, check=False)
        tap.check(ended.returncode == 0, f"{name}: fsck.vfat is content", ended.stdout)
        return part


class Person:
    """Types at the serial console."""

    def __init__(self, machine, patience):
        self.machine = machine
        self.patience = patience
        self._count = 0

    def sees(self, text):
        self.machine.wait(lambda: text in self.machine.log.text() or self.machine.cause, self.patience)
        return text in self.machine.log.text()

    def answer(self, command):
        """What a command prints."""
        self._count += 1
        mark = f"answer-{self._count}"
        typed = f"echo answer-''{self._count}"  # which is not what it prints
        self.types(f"{typed}; {command}; {typed}")

        def lines():
            return [line.strip() for line in self.machine.log.text().splitlines()]
        self.machine.wait(lambda: lines().count(mark) == 2 or self.machine.cause, self.patience)
        answered = lines()
        if answered.count(mark) < 2:
            return answered[-8:]
        first = answered.index(mark) + 1
        return answered[first:answered.index(mark, first)]

    def types(self, line):
        self.machine.type(line.encode() + b"\n")


def begins(tap, person, name):
    """Whether bash comes up, with the prompt of /etc/profile."""
    there = person.sees(":/# ") and person.answer("echo is $BASH_VERSION")[-1:]
    return tap.check(there and there[0].startswith("is 5."), f"{name}: boots to bash", there,
                     *person.machine.log.tail(25))


def device(tap, stick, name):
    place, _, firmware = name.removeprefix(DEBIAN).partition(" by ")
    kind, _, machine = place.partition(" on ")
    wanted = (kind, machine, U_BOOT if firmware else None)
    stick.renew()
    with stick.booted(*wanted) as person:
        if not begins(tap, person, name):
            return
        tap.equal(person.answer(stick.trial.write)[-1:], ["synced"], f"{name}: is written to")
    stick.checked(tap, name)
    with stick.booted(*wanted) as person:
        if not begins(tap, person, f"{name}, after a cut"):
            return
        tap.equal(person.answer(stick.trial.look), stick.trial.looks, f"{name}: what was synced is there")
        person.types("poweroff")
        person.machine.wait(lambda: bool(person.machine.ended_itself), person.patience)
        tap.equal(person.machine.ended_itself, "powered off", f"{name}: poweroff")
    part = extract(stick.image, 2, f"{stick.image}.changes")
    ended = subprocess.run(["dumpe2fs", "-h", part], capture_output=True, text=True, check=False)
    tap.check(re.search(r"state: +clean", ended.stdout), f"{name}: left clean", ended.stdout)


# Goes on from number to number for ever; what is said to be synced has to be there.
CHANGE = ("i=$(cat /root/last 2>/dev/null || echo 0); while :; do i=$((i+1)); mkdir /root/d$i; "
          "cp /bin/busybox /root/d$i/copy; echo $i > /root/d$i/new; mv /root/d$i/new /root/d$i/number; "
          "rm -rf /root/d$((i-12)); echo $i > /root/last; sync; echo synced $i end; "
          "ln /root/d$i/copy /root/d$i/link; mv /root/d$i/copy /root/d$i/other; done")


def number_in(part, number):
    """What lies in the file of which it was said that it is there."""
    return subprocess.run(["debugfs", "-R", f"cat /upper/root/d{number}/number", part], capture_output=True,
                          text=True, check=False).stdout.strip()


def changed(tap, stick, name, log):
    """Has a run change files, and its writes logged: [(bytes of the log, what was synced by then)]."""
    kind, _, machine = name.partition(" on ")
    syncs = []

    def look(person):
        told = re.findall(r"synced (\d+) end", person.machine.log.text())
        if len(told) > len(syncs):
            syncs.append((os.path.getsize(log), told[-1]))
        return len(syncs) >= LOST_SYNCS or person.machine.cause

    with stick.booted(kind, machine, log=log) as person:
        if begins(tap, person, name):
            person.types(CHANGE)
            person.machine.wait(lambda: look(person), PATIENCE)
    return syncs


def lost(tap, stick, name):
    """Power goes at random writes of one run; what the disk was not told to flush may be lost."""
    device_name = name.removeprefix(LOST)
    stick.renew()
    offset, size = partitions(stick.image)[2]
    with open(stick.image, "rb") as file:
        file.seek(offset)
        disk = write_log.Disk(file.read(size), offset)
    log = f"{stick.image}.log"
    syncs = changed(tap, stick, device_name, log)
    requests = list(write_log.entries(log))
    if not tap.check(len(syncs) >= LOST_SYNCS and len(requests) > LOST_CUTS, f"{name}: files are changed",
                     len(syncs), len(requests)):
        return
    chance = random.Random(12)
    wanted = set(chance.sample(range(len(requests)), LOST_CUTS))
    bad, answers = [], 0
    for index, (end, at, data, lasts) in enumerate(requests):
        disk.take(at, data, lasts)
        if index in wanted:
            said = cut_judged(disk.cut(chance), f"{stick.image}.changes",
                              max((int(number) for until, number in syncs if until <= end), default=0))
            answers += said == ASKS
            bad += [f"after request {index}: {said}"] if said not in (None, ASKS) else []
    tap.check(not bad, f"{name}: cut at {LOST_CUTS} of {len(requests)} requests, what was synced is there",
              *bad)
    tap.note(f"{name}: {answers} times e2fsck -p leaves a question, which the start has answered with yes")
    tap.equal(disk.elsewhere, 0, f"{name}: nothing is written beside the partition")


ASKS = "a question"


def cut_judged(contents, part, synced):
    """None: as it has to be, ASKS: the same, once questions were answered; else what is wrong."""
    with open(part, "wb") as file:
        file.write(contents)
    preen = subprocess.run(["e2fsck", "-p", part], capture_output=True, text=True, check=False)
    asks = preen.returncode > 1
    if asks:
        all_of_it = subprocess.run(["e2fsck", "-f", "-y", part], capture_output=True, text=True, check=False)
        if all_of_it.returncode > 1:
            return f"e2fsck: {preen.stdout} {all_of_it.stdout}"
    found = number_in(part, synced) if synced else "0"
    if found != str(synced):
        return f"{synced} was synced, {found!r} is there; e2fsck: {preen.stdout}"
    return ASKS if asks else None


def cuts(tap, stick, _name):
    stick.renew()
    chance = random.Random(12)
    for number in range(1, CUTS + 1):
        with stick.booted() as person:
            if not begins(tap, person, f"cut {number}"):
                return
            person.types(CHANGE)
            person.sees("synced ")
            moment = chance.uniform(0, 6)
            person.machine.wait(lambda: False, moment)
        text = person.machine.log.text()
        last = max(map(int, re.findall(r"synced (\d+) end", text)), default=0)
        part = stick.checked(tap, f"cut {number}, after {moment:.2f} seconds and {last} syncs")
        tap.equal(number_in(part, last), str(last), f"cut {number}: what was synced is there")


def image(tap):
    with tempfile.TemporaryDirectory(prefix="baton-image-") as folder:
        tree = os.path.join(folder, "tree")
        os.mkdir(tree)
        tree_make(tree)
        os.remove(f"{tree}/large")
        paths = [os.path.join(folder, name) for name in ("one", "other")]
        for path in paths:
            made = image_make(path, tree, "--persist", "16M")
            tap.check(made.returncode == 0, "an image is made", made.stderr)
            time.sleep(1)  # another second of the clock, which files of its own would have
        same = subprocess.run(["cmp", *paths], check=False).returncode == 0
        tap.check(same, "the same again, byte for byte")
        told = subprocess.run(["mtype", "-i", f"{paths[0]}@@1M", "::/README.txt"], capture_output=True,
                              text=True, check=False).stdout
        tap.check("Two more partitions" in told, "README.txt says what is on it", told)
        made = image_make(os.path.join(folder, "memory"), tree, "--persist", "0")
        tap.equal(len(partitions(os.path.join(folder, "memory"))), 2, "--persist 0: no partition for changes")
        for wrong, reason in (("1", "whole MiB"), ("x", "has to be a size"), ("4M", "8M at least")):
            made = image_make(os.path.join(folder, "wrong"), tree, "--persist", wrong)
            tap.check(made.returncode == 126 and reason in made.stderr, f"--persist {wrong}: a message",
                      made.stderr)
        made = image_make("/dev/nothing", tree)
        tap.check(made.returncode == 126 and "no such disk" in made.stderr, "no such disk: a message",
                  made.stderr)


def test(tap):
    devices = [f"{kind} on {machine}" for kind in DEVICES for machine in ("q35", "pc")
               if (kind, machine) != ("SATA, built in", "pc")]
    with tempfile.TemporaryDirectory(prefix="baton-persist-") as folder:

        @functools.cache
        def stick(make):
            own = os.path.join(folder, make.__name__)
            os.mkdir(own)
            return Stick(own, make(own))

        for name in sys.argv[1:] or [*devices, "image", "cuts"]:
            if name == "image":
                image(tap)
            else:
                case = cuts if name == "cuts" else lost if name.startswith(LOST) else device
                case(tap, stick(debian if name.startswith(DEBIAN) else little), name)


if __name__ == "__main__":
    sys.exit(harness.main(test))
