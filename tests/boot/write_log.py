"""What a machine wrote to a disk, request by request, by QEMU's driver blklogwrites (its format is that of
Linux's dm-log-writes); and what lies on the disk when power goes at any of them."""
import struct

SECTOR = 512
_HEAD = "<4Q"  # sector, how many, flags, bytes of a mark
_FLUSH, _FUA, _DISCARD = 1, 2, 4


def drive(name, image, log):
    """QEMU's arguments for a drive `name` whose writes go to the file `log` too."""
    with open(log, "wb"):
        pass
    return [f"-blockdev driver=file,node-name={name}-image,filename={image}",
            f"-blockdev driver=file,node-name={name}-log,filename={log}",
            f"-blockdev driver=blklogwrites,node-name={name},file={name}-image,log={name}-log,"
            f"log-sector-size={SECTOR}"]


def entries(path):
    """(bytes of the log up to its end, offset on the disk, data, whether all before it has to last) of each
    request; a discard has no data."""
    with open(path, "rb") as file:
        file.seek(SECTOR)
        while len(head := file.read(SECTOR)) == SECTOR:
            sector, count, flags, _ = struct.unpack_from(_HEAD, head)
            data = b"" if flags & _DISCARD else file.read(count * SECTOR)
            if not count and not flags or len(data) < count * SECTOR and not flags & _DISCARD:
                return  # it was under way
            yield file.tell(), sector * SECTOR, data, bool(flags & (_FLUSH | _FUA))


class Disk:
    """A part of a disk on which writes last when they were flushed, and may, or may not, before."""

    def __init__(self, contents, offset):
        self._lasting = bytearray(contents)
        self._offset = offset
        self._waiting = []
        self.elsewhere = 0  # writes beside this part

    def _put(self, target, write):
        offset, data = write
        target[offset - self._offset:offset - self._offset + len(data)] = data

    def take(self, offset, data, lasts):
        if data:
            inside = self._offset <= offset and offset + len(data) <= self._offset + len(self._lasting)
            self.elsewhere += not inside
            if inside:
                self._waiting.append((offset, data))
        if lasts:
            for write in self._waiting:
                self._put(self._lasting, write)
            self._waiting.clear()

    def cut(self, chance):
        """What lies there when power goes now."""
        result = bytearray(self._lasting)
        for write in self._waiting:
            if chance.random() < 0.5:
                self._put(result, write)
        return result
