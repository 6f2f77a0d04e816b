"""Makes a squashfs of the root file system with folders laid over it, by Debian's sqfstar.

What is laid over what is decided here, by names; contents pass through as a tar stream, so that a tree of
any size needs no memory. The same input gives the same bytes.
"""
import io
import os
import stat
import struct
import subprocess
import tarfile

from . import compression, cpio, project

DEFAULT_COMPRESSION = "zstd"


class _Tree:
    """Names of the root file system, and what each is: {name: (TarInfo, a host's path or bytes)}."""

    def __init__(self, archive):
        self.entries = {}
        self._links = cpio.folder_links(archive)
        for name, fields, data in cpio.entries(archive):
            if name != ".":
                self._add(name, fields, data)

    def _add(self, name, fields, content):
        mode, uid, gid, mtime, device = fields
        place = cpio.place(self._links, name, stat.S_ISDIR(mode))
        info = tarfile.TarInfo(place)
        info.mode, info.uid, info.gid, info.mtime = stat.S_IMODE(mode), uid, gid, mtime
        info.type = {stat.S_IFDIR: tarfile.DIRTYPE, stat.S_IFLNK: tarfile.SYMTYPE,
                     stat.S_IFCHR: tarfile.CHRTYPE, stat.S_IFBLK: tarfile.BLKTYPE,
                     stat.S_IFIFO: tarfile.FIFOTYPE}.get(stat.S_IFMT(mode), tarfile.REGTYPE)
        info.devmajor, info.devminor = device
        if stat.S_ISLNK(mode):
            info.linkname = os.fsdecode(content)
        old = self.entries.get(place)
        if old and old[0].isdir() and not info.isdir():
            raise project.Failure(f"/{place}: a folder below, and none in a --root that lies over it")
        self.entries[place] = (info, content)

    def lay(self, top):
        """Lays a folder over what is there (cpio.Archive.tree() says how)."""
        for path, info in cpio.walk(top):
            content = os.fsencode(os.readlink(path)) if stat.S_ISLNK(info.st_mode) else path
            self._add(os.path.relpath(path, top),
                      (info.st_mode, *cpio.owner(info), int(info.st_mtime),
                       (os.major(info.st_rdev), os.minor(info.st_rdev))), content)

    def write(self, stream):
        """Writes it as a tar archive."""
        first = {}  # where the bytes of a file with several names came
        with tarfile.open(fileobj=stream, mode="w|", format=tarfile.GNU_FORMAT) as archive:
            for _, (info, content) in sorted(self.entries.items()):
                if not info.isreg():
                    archive.addfile(info)
                elif isinstance(content, bytes):
                    info.size = len(content)
                    archive.addfile(info, io.BytesIO(content))
                else:
                    _add_host_file(archive, info, content, first)


def _add_host_file(archive, info, path, first):
    with open(path, "rb") as file:
        status = os.fstat(file.fileno())
        key = (status.st_dev, status.st_ino)
        if status.st_nlink > 1 and key in first:
            info.type, info.linkname = tarfile.LNKTYPE, first[key]
            archive.addfile(info)
            return
        first[key] = info.name
        info.size = status.st_size
        archive.addfile(info, file)


def _date_root(path):
    """Gives the folder at the top the project's date: to sqfstar 4.5.1 it is as old as the image, whatever
    it is told. Inodes are not compressed; where the top's lies stands in the superblock."""
    with open(path, "r+b") as file:
        place, = struct.unpack_from("<Q", os.pread(file.fileno(), 8, 32))
        table, = struct.unpack_from("<Q", os.pread(file.fileno(), 8, 64))
        block_header, time = 2, 8  # bytes: of a block of inodes; before an inode's time
        os.pwrite(file.fileno(), struct.pack("<I", project.date()),
                  table + (place >> 16) + block_header + (place & 0xffff) + time)


def make(path, initrd, roots, method=None):
    """Writes to `path` the root file system in the archive `initrd` with `roots` laid over it."""
    tree = _Tree(compression.decompress(project.read(initrd)))
    for root in roots:
        if not os.path.isdir(root):
            raise project.Failure(f"--root {root}: there is no such folder")
        tree.lay(root)
    environment = {name: value for name, value in os.environ.items() if name != "SOURCE_DATE_EPOCH"}
    command = ["sqfstar", "-quiet", "-no-progress", "-comp", method or DEFAULT_COMPRESSION, "-noI",
               "-mkfs-time", str(project.date()), "-root-mode", "0755", "-root-uid", "0", "-root-gid", "0",
               path]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                          env=environment) as process:
        try:
            tree.write(process.stdin)
            process.stdin.close()
        except BrokenPipeError:
            pass
        said = process.stderr.read().decode(errors="replace")
    if process.returncode:
        raise project.Failure(f"sqfstar: {' '.join(said.split()) or 'failed'}")
    _date_root(path)
