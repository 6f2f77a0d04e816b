"""A disk of this host that an image is written to: what it is called, whether a person agrees, and whether
what was written is there."""
import fcntl
import os
import sys

from . import project, volume

BLKRRPART = 0x125f  # <linux/fs.h>: the kernel reads the partition table anew
BLKFLSBUF = 0x1261  # …and forgets what it has in memory
BLKGETSIZE64 = 0x80081272


def _fact(folder, name):
    try:
        with open(os.path.join(folder, name), encoding="utf-8", errors="replace") as file:
            return file.read().strip()
    except OSError:
        return ""


class Disk:
    """The disk at `path`; a Failure says why it is none to write to."""

    def __init__(self, path):
        self.path = path
        self.written = 0  # MiB
        real = os.path.realpath(path)
        self._folder = os.path.join("/sys/class/block", os.path.basename(real))
        if os.path.exists(os.path.join(self._folder, "partition")):
            raise project.Failure(f"{path}: is a partition: name the whole disk")
        used = self._used(os.path.basename(real))
        if used:
            raise project.Failure(f"{path}: is in use: {used}")
        with open(path, "rb") as file:
            self.size = int.from_bytes(fcntl.ioctl(file, BLKGETSIZE64, bytes(8)), "little")

    def _used(self, name):
        """Where it, or a part of it, is mounted or swapped to; or nothing."""
        nodes = {name, *(part for part in os.listdir(self._folder) if part.startswith(name))}
        for table in ("/proc/self/mounts", "/proc/swaps"):
            with open(table, encoding="utf-8", errors="replace") as file:
                for line in file:
                    words = line.split()
                    node = os.path.basename(os.path.realpath(words[0]))
                    if words[0].startswith("/dev/") and node in nodes:
                        return " ".join(words[:2])
        return ""

    def description(self):
        """What a person knows it by: maker, name, size, how it is connected."""
        device = os.path.join(self._folder, "device")
        words = [_fact(device, "vendor"), _fact(device, "model") or _fact(device, "name")]
        kind = "removable" if _fact(self._folder, "removable") == "1" else "not removable"
        return " ".join([*filter(None, words), f"{self.size / 1e9:.1f} GB,", kind])

    def agreed(self, ask=input):
        """Whether a person agrees that all that is on it goes."""
        print(f"baton: {self.path}: {self.description()}\n"
              "baton: all that is on it will be lost. Type yes to write: ", end="", file=sys.stderr,
              flush=True)
        try:
            answer = ask()
        except EOFError:
            answer = ""
        if answer.strip() == "yes":
            return True
        print("baton: nothing was written", file=sys.stderr)
        return False

    def write(self, image):
        """Writes the image, and reads it again: past the cache of the host."""
        size = os.path.getsize(image)
        if size > self.size:
            raise project.Failure(f"{self.path}: holds {self.size >> 20} MiB, the image has {size >> 20}")
        with open(image, "rb") as source, open(self.path, "r+b", buffering=0) as disk:
            fcntl.flock(disk, fcntl.LOCK_EX)  # udev's programs keep off (systemd.io/BLOCK_DEVICE_LOCKING)
            while piece := source.read(volume.MEBIBYTE):
                disk.write(piece)
            os.fsync(disk.fileno())
            fcntl.ioctl(disk, BLKFLSBUF)
            self._verify(source, disk)
            try:
                fcntl.ioctl(disk, BLKRRPART)
            except OSError:
                pass  # somebody has it open already: it is read when it is plugged in again
        self.written = size >> 20

    def _verify(self, source, disk):
        source.seek(0)
        disk.seek(0)
        while piece := source.read(volume.MEBIBYTE):
            at = source.tell() - len(piece)
            if disk.read(len(piece)) != piece:
                raise project.Failure(f"{self.path}: what was written at {at >> 20} MiB reads otherwise: "
                                      "the disk is damaged, or smaller than it says")
