"""Writes cpio archives ("newc" format, see cpio(5)) without needing root.

The same input gives the same archive, byte for byte. Entries appear in the order in which they
are added; Linux's and Baton's root list a directory newest entry first.
"""
import os
import stat

from . import project

TRAILER = "TRAILER!!!"
HEADER_SIZE = 110


def entries(data):
    """(name, (mode, uid, gid, mtime, (major, minor)), bytes) of each entry of an archive. What is no
    archive has none."""
    at = 0
    while data[at:at + 6] == b"070701":
        _, mode, uid, gid, _, mtime, size, _, _, major, minor, name_size = (
            int(data[at + place:at + place + 8], 16) for place in range(6, 102, 8))
        name = os.fsdecode(data[at + HEADER_SIZE:at + HEADER_SIZE + name_size - 1])
        start = (at + HEADER_SIZE + name_size + 3) & ~3
        if name == TRAILER:
            break
        yield name, (mode, uid, gid, mtime, (major, minor)), data[start:start + size]
        at = (start + size + 3) & ~3


def folder_links(data):
    """{name: target} of the links in the top folder of an archive that lead to a folder in it, both
    as names in the archive: of a merged /usr {"bin": "usr/bin", ...}. What is no archive has none."""
    folders, links = set(), {}
    for name, (mode, *_), content in entries(data):
        if stat.S_ISDIR(mode):
            folders.add(name)
        elif stat.S_ISLNK(mode) and "/" not in name:
            links[name] = os.fsdecode(content).strip("/")
    return {name: target for name, target in links.items() if target in folders}


def place(links, name, folder=False):
    """Where an entry of that name lies: behind the link that its first folder is. A folder with a link's
    own name is where that leads."""
    first, slash, rest = name.partition("/")
    if first in links and (slash or folder):
        return links[first] + slash + rest
    return name


def owner(info):
    """(user, group) of a file of the host's; what is the caller's own is the superuser's in the machine."""
    return (0 if info.st_uid == os.getuid() else info.st_uid,
            0 if info.st_gid == os.getgid() else info.st_gid)


def walk(top):
    """(path, os.lstat()) of all that lies under the host's folder `top`, each behind its folder."""
    for folder, folders, files in os.walk(top):
        folders.sort()
        # os.walk names symbolic links to folders as folders, and does not follow them.
        links = [name for name in folders if os.path.islink(os.path.join(folder, name))]
        paths = [folder] if folder != top else []
        for path in paths + [os.path.join(folder, name) for name in sorted(files + links)]:
            info = os.lstat(path)
            if not stat.S_ISSOCK(info.st_mode):  # means nothing without the process behind it
                yield path, info


class Archive:
    """Collects entries and hands out the archive's bytes.

    `mtime` is the time, in seconds since 1970, of entries that do not come from a host's file.
    `links` are links to folders where the archive will be unpacked (folder_links()), or that this
    one makes itself: what is added below such a name goes where the link leads.
    """

    def __init__(self, mtime=0, links=None):
        self.mtime = mtime
        self._links = dict(links or {})
        self._parts = []
        self._inode = 0
        self._names = set()

    def __contains__(self, name):
        return self.place(name) in self._names

    def place(self, name, folder=False):
        """Where an entry of that name lies (place())."""
        return place(self._links, name, folder)

    def _entry(self, name, mode, data=b"", *, inode=None, uid=0, gid=0, links=1, mtime=None,
               device=(0, 0)):
        name = self.place(name, stat.S_ISDIR(mode))
        if inode is None:
            self._inode += 1
            inode = self._inode
        self._names.add(name)
        raw = os.fsencode(name) + b"\0"
        fields = (inode, mode, uid, gid, links, self.mtime if mtime is None else mtime, len(data),
                  0, 0, *device, len(raw), 0)
        head = b"070701" + b"".join(b"%08x" % (field & 0xffffffff) for field in fields) + raw
        self._parts += [head, b"\0" * (-len(head) % 4), data, b"\0" * (-len(data) % 4)]

    def _parent(self, name):
        parent = os.path.dirname(self.place(name))
        if parent:
            self.directory(parent)

    def directory(self, name, mode=0o755):
        """Adds a directory and those above it, unless they are there."""
        if self.place(name, True) in self._names:
            return
        self._parent(name)
        self._entry(name, stat.S_IFDIR | mode, links=2)

    def file(self, name, data, mode=0o644):
        """Adds a regular file with its bytes."""
        self._parent(name)
        self._entry(name, stat.S_IFREG | mode, data)

    def link(self, name, target):
        """Adds a symbolic link."""
        self._parent(name)
        self._entry(name, stat.S_IFLNK | 0o777, os.fsencode(target))

    def folder_link(self, name, target):
        """Adds a link of the top folder to a folder that is there."""
        self.link(name, target)
        self._links[name] = target

    def device(self, name, kind, major, minor, mode=0o666):
        """Adds a device node; kind is "c" (character) or "b" (block)."""
        self._parent(name)
        file_type = stat.S_IFCHR if kind == "c" else stat.S_IFBLK
        self._entry(name, file_type | mode, device=(major, minor))

    def tree(self, top):
        """Adds what lies under the host's folder `top`: modes with set-user-ID and the like,
        times, symbolic links, hard links, device nodes. Files of the invoking user and group
        belong to root in the guest, so that a tree can be prepared without being root."""
        inodes = {}
        for path, info in walk(top):
            self._host_entry(top, path, info, inodes)

    def _host_entry(self, top, path, info, inodes):
        name = os.path.relpath(path, top)
        data = b""
        inode = None
        device = (0, 0)
        links = 2 if stat.S_ISDIR(info.st_mode) else 1
        if stat.S_ISLNK(info.st_mode):
            data = os.fsencode(os.readlink(path))
        elif stat.S_ISREG(info.st_mode):
            links = info.st_nlink
            key = (info.st_dev, info.st_ino)
            if links > 1 and key in inodes:
                inode = inodes[key]  # a further name: the bytes came with the first one
            else:
                data = project.read(path)
                self._inode += 1
                inode = inodes[key] = self._inode
        elif stat.S_ISCHR(info.st_mode) or stat.S_ISBLK(info.st_mode):
            device = (os.major(info.st_rdev), os.minor(info.st_rdev))
        uid, gid = owner(info)
        self._entry(name, info.st_mode, data, inode=inode, links=links, device=device, uid=uid, gid=gid,
                    mtime=int(info.st_mtime))

    def bytes(self):
        """The finished archive. Nothing can be added after this."""
        self._entry(TRAILER, 0, inode=0, mtime=0)
        return b"".join(self._parts)
