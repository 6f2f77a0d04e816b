"""A machine that boots over a network which QEMU plays: PXE, HTTP boot, iPXE.

Run as a program it serves HTTP, one connection on standard input and output, from the folder that it is
given: QEMU starts it for each connection (guestfwd), and no port of this host is taken.
"""
import http.server
import os
import struct
import sys
import uuid

GLOBAL_VARIABLE = uuid.UUID("8be4df61-93ca-11d2-aa0d-00e098032b8c")
SERVER = "10.0.2.100"
LOADER = "EFI/BOOT/BOOTX64.EFI"
CARD = "virtio-net-pci,netdev=net,romfile="
IPXE = "/boot/ipxe.efi"
IPXE_SCRIPT = "boot.ipxe"


def _variable(name, data):
    """An AUTHENTICATED_VARIABLE_HEADER and what belongs to it, as EDK2 keeps it in flash
    (MdeModulePkg, VariableFormat.h): non-volatile, for boot services and at run time."""
    name = (name + "\0").encode("utf-16-le")
    header = struct.pack("<HBBIQ16sIII16s", 0x55aa, 0x3f, 0, 7, 0, bytes(16), 0, len(name), len(data),
                         GLOBAL_VARIABLE.bytes_le)
    variable = header + name + data
    return variable + b"\xff" * (-len(variable) % 4)


def _boot_option(uri):
    """EFI_LOAD_OPTION (UEFI 2.10, 3.1.3) of a path that is only a URI (3.1.2)."""
    uri = uri.encode()
    path = struct.pack("<BBH", 3, 24, 4 + len(uri)) + uri + struct.pack("<BBH", 0x7f, 0xff, 4)
    return struct.pack("<IH", 1, len(path)) + "HTTP\0".encode("utf-16-le") + path


def boot_next(flash, uri):
    """The firmware's variables, which have to be empty, and that it starts next what lies there."""
    flash = bytearray(flash)
    header, = struct.unpack_from("<H", flash, 48)  # of the firmware volume; behind it the store's
    start = header + 28
    added = _variable("Boot0042", _boot_option(uri)) + _variable("BootNext", struct.pack("<H", 0x42))
    if flash[start:start + len(added)] != b"\xff" * len(added):
        raise ValueError("the firmware has variables already")
    flash[start:start + len(added)] = added
    return bytes(flash)


def pxe(folder, file=LOADER):
    """QEMU's arguments: a card, DHCP that names the file, TFTP that serves the folder."""
    return ["-netdev", f"user,id=net,tftp={folder},bootfile={file}", "-device", f"{CARD},bootindex=1"]


def http_server(folder):
    """The same for HTTP. It is a variable of the firmware's that names the file: boot_next()."""
    program = f"/usr/bin/python3 {os.path.abspath(__file__)} {folder}"
    return ["-netdev", f"user,id=net,guestfwd=tcp:{SERVER}:80-cmd:{program}",
            "-device", f"{CARD},bootindex=1"]


def ipxe_script(files):
    """Loads the loader, and all other files as a volume."""
    lines = ["#!ipxe", f"kernel {LOADER}"]
    lines += [f"initrd {name}" for name in sorted(files) if not name.startswith("EFI/")]
    return "".join(line + "\n" for line in [*lines, "boot"]).encode()


class _Connection:
    """Standard input and output as a socket for http.server."""

    def makefile(self, mode, *_):
        return os.fdopen(os.dup(0 if "r" in mode else 1), mode, -1 if "r" in mode else 0)

    def sendall(self, data):
        while data:
            data = data[os.write(1, data):]


def serve(folder):
    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments):
            super().__init__(*arguments, directory=folder)

        def log_message(self, *_):
            pass

    Handler(_Connection(), ("guest", 0), None)


if __name__ == "__main__":
    serve(sys.argv[1])
