"""A stick that keeps: a tree as squashfs in a partition of its own, and what is changed in another (ext4).

userspace/stick.c puts the two together, with Debian's programs, which come along in the root file system
that the loader reads. So a tree of any size boots in little memory.
"""
import hashlib
import os
import subprocess
import uuid

from . import cpio, project, squashfs, volume

# What serves the tree, from Debian's packages, as it lies on this host.
PROGRAMS = ("/usr/bin/squashfuse_ll", "/usr/bin/fuse2fs", "/usr/bin/fuse-overlayfs", "/usr/sbin/e2fsck")
LIBGCC = "/lib/x86_64-linux-gnu/libgcc_s.so.1"
LINUX_DATA = uuid.UUID("0fc63daf-8483-4772-8e79-3d69d8477de4")  # Discoverable Partitions Specification

README = """\
This stick boots Baton, a small kernel for x86-64 PCs with UEFI, and programs that run on it.

To start it, choose this stick in the boot menu of a PC's firmware (often F8, F11, F12 or Esc at power-on).
Secure Boot has to be off unless the stick was signed with keys of that PC's owner.

What is on it:
  EFI\\BOOT       the loader, which the firmware starts
  baton          the kernel, and the first programs
  loader         what is started, with which options: text that may be edited
  baton\\report   reports of what the firmware handed over, if the option "report" is among them
{partitions}
Nothing on this PC's own disks is changed unless a person at the machine asks for it.
"""
PARTITIONS = """
Two more partitions, which other systems may offer to format (say no): the second holds the programs, as
squashfs, and is only read; the third holds what was changed, as ext4. To begin anew, write the image again.
"""


def readme(persists):
    """README.txt of the volume, for a person who opens it on another PC: lines end as Windows has them."""
    return README.format(partitions=PARTITIONS if persists else "").replace("\n", "\r\n").encode()


def needed(programs):
    """Programs and their libraries: paths of the host, as the programs ask for them."""
    paths = set(programs)
    for program in programs:
        told = subprocess.run(["ldd", program], capture_output=True, text=True, check=False)
        if told.returncode:
            raise project.Failure(f"ldd {program}: {told.stderr.strip() or 'failed'}")
        paths.update(word for word in told.stdout.split() if word.startswith("/"))
    # What pthread_cancel(3) loads when it is called: libfuse ends its threads so.
    return sorted(paths | {path for path in (LIBGCC,) if os.path.exists(path)})


def servers(programs, links):
    """The archive of these, for an initrd in which `links` are links (cpio.folder_links())."""
    archive = cpio.Archive(links=links)
    for path in needed(programs):
        archive.file(path.lstrip("/"), project.read(path), 0o755)
    return archive.bytes()


def _guid(digest, what):
    return uuid.UUID(bytes=hashlib.sha256(digest + what).digest()[:16], version=5)


class Stick:
    """The partitions of a stick, made from a tree; `size` in bytes of what is changed, 0: that lives in
    memory."""

    def __init__(self, folder, initrd, roots, size, method=None):
        self._tree = os.path.join(folder, "tree.squashfs")
        self._size = size
        squashfs.make(self._tree, initrd, roots, method)
        with open(self._tree, "rb") as file:
            digest = hashlib.file_digest(file, "sha256").digest()
        self._guids = [_guid(digest, what) for what in (b"tree", b"changes")]

    def options(self):
        """What the kernel is told."""
        words = [f"root=PARTUUID={self._guids[0]}"]
        if self._size:
            words.append(f"changes=PARTUUID={self._guids[1]}")
        return " ".join(words)

    def partitions(self):
        """For volume.write()."""
        parts = [volume.Partition("Baton tree", LINUX_DATA, self._guids[0], os.path.getsize(self._tree),
                                  lambda image, offset: _copy(self._tree, image, offset))]
        if self._size:
            parts.append(volume.Partition("Baton changes", LINUX_DATA, self._guids[1], self._size,
                                          self._format))
        return parts

    def _format(self, image, offset):
        """ext4 without a journal, which fuse2fs would not write to, and without checksums of metadata,
        which a power cut would leave wrong: e2fsck -p mends everything else without a question."""
        volume.tool("mke2fs", "-q", "-F", "-t", "ext4", "-b", "4096", "-m", "0", "-U", str(self._guids[1]),
                    "-L", "BATON-CHANGES", "-O", "^has_journal,^metadata_csum,^uninit_bg,^resize_inode",
                    "-E", f"offset={offset},hash_seed={self._guids[1]},lazy_itable_init=0,root_owner=0:0",
                    image, f"{self._size >> 10}k")


def _copy(source, image, offset):
    with open(source, "rb") as file, open(image, "r+b") as target:
        target.seek(offset)
        while piece := file.read(volume.MEBIBYTE):
            target.write(piece)
