"""EFI programs (PE images, Microsoft's PE Format): sections that are added to one; what is signed of one."""
import hashlib
import struct

from .. import project

PE_AT, SIGNATURE = 60, b"PE\0\0"
# From the signature on.
SECTION_COUNT, OPTIONAL_SIZE, OPTIONAL = 6, 20, 24
# From the optional header on.
INITIALIZED, SECTION_ALIGNMENT, FILE_ALIGNMENT, IMAGE_SIZE, HEADERS_SIZE, CHECKSUM = 8, 32, 36, 56, 60, 64
CERTIFICATES, DEBUG_DIRECTORY = 112 + 4 * 8, 112 + 6 * 8
HEADER = 40  # bytes of a section's header
READABLE_DATA = 0x40000040


def _align(value, to):
    return -(-value // to) * to


class _Image:
    def __init__(self, data, what):
        self.data = bytearray(data)
        self.pe = self.get("<I", PE_AT) if len(data) > PE_AT + 4 else 0
        if data[:2] != b"MZ" or data[self.pe:self.pe + 4] != SIGNATURE:
            raise project.Failure(f"{what}: no EFI program")
        self.optional = self.pe + OPTIONAL
        self.table = self.optional + self.get("<H", self.pe + OPTIONAL_SIZE)

    def get(self, form, at):
        return struct.unpack_from(form, self.data, at)[0]

    def put(self, form, at, value):
        struct.pack_into(form, self.data, at, value)

    @property
    def count(self):
        return self.get("<H", self.pe + SECTION_COUNT)

    def headers(self):
        return [self.table + HEADER * number for number in range(self.count)]


def _shift(image, room):
    """Moves what lies behind the headers by `room` bytes of the file; addresses in memory stay."""
    size = image.get("<I", image.optional + HEADERS_SIZE)
    for header in image.headers():
        if image.get("<I", header + 20):
            image.put("<I", header + 20, image.get("<I", header + 20) + room)
    _shift_debug(image, room)
    image.put("<I", image.optional + HEADERS_SIZE, size + room)
    image.data[size:size] = bytes(room)


def _shift_debug(image, room):
    """Debug records say where in the file they lie, too."""
    address, size = (image.get("<I", image.optional + DEBUG_DIRECTORY + at) for at in (0, 4))
    for header in image.headers():
        start, length, raw = (image.get("<I", header + at) for at in (12, 16, 20))
        if size and start <= address < start + length:
            # The section's own place in the file is the new one already, its bytes move later.
            first = raw - room + address - start
            for entry in range(first, first + size, 28):
                image.put("<I", entry + 24, image.get("<I", entry + 24) + room)


def with_sections(program, sections, what="program"):
    """The program, with sections [(name, bytes)] that are data to read, behind its own. One without bytes
    would lie behind the image's end, which shim does not take: it is left out."""
    image = _Image(program, what)
    sections = [(name, content) for name, content in sections if content]
    alignment, blocks = (image.get("<I", image.optional + at) for at in (SECTION_ALIGNMENT, FILE_ALIGNMENT))
    end = image.table + HEADER * (image.count + len(sections))
    missing = end - image.get("<I", image.optional + HEADERS_SIZE)
    if missing > 0:
        _shift(image, _align(missing, blocks))
    if image.get("<I", image.optional + HEADERS_SIZE) > alignment:
        raise project.Failure(f"{what}: no room for {len(sections)} more sections")
    for name, content in sections:
        _append(image, name, content, alignment, blocks)
    image.put("<I", image.optional + CHECKSUM, 0)
    return bytes(image.data)


def _append(image, name, content, alignment, blocks):
    address = _align(image.get("<I", image.optional + IMAGE_SIZE), alignment)
    image.data += bytes(-len(image.data) % blocks)
    offset, size = len(image.data), _align(len(content), blocks)
    struct.pack_into("<8sIIII12xI", image.data, image.table + HEADER * image.count, name.encode(),
                     len(content), address, size, offset, READABLE_DATA)
    image.data += content.ljust(size, b"\0")
    image.put("<H", image.pe + SECTION_COUNT, image.count + 1)
    image.put("<I", image.optional + IMAGE_SIZE, _align(address + len(content), alignment))
    image.put("<I", image.optional + INITIALIZED, image.get("<I", image.optional + INITIALIZED) + size)


def signed_bytes(program, what="program"):
    """The bytes that a signature is of: all but checksum and certificates (Microsoft, Windows Authenticode
    Portable Executable Signature Format)."""
    image = _Image(program, what)
    checksum, certificates = image.optional + CHECKSUM, image.optional + CERTIFICATES
    at, size = (image.get("<I", certificates + offset) for offset in (0, 4))
    end = at if size else len(program)
    return program[:checksum] + program[checksum + 4:certificates] + program[certificates + 8:end]


def digest(program, what="program"):
    """What db and dbx know a program by."""
    return hashlib.sha256(signed_bytes(program, what)).digest()
