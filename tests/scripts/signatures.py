#!/usr/bin/python3
"""signatures.py: what scripts/keys and scripts/image --sign write, without a firmware that takes it: what a
signature of an enrolment file covers, what is revoked of a program, which sections an image gets."""
import hashlib
import os
import struct
import sys
import tempfile
import uuid

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "boot"))
import harness  # noqa: E402
from baton import keys, project, qemu  # noqa: E402
from baton.trust import efi_image, signing  # noqa: E402

GLOBAL = uuid.UUID("8be4df61-93ca-11d2-aa0d-00e098032b8c")  # UEFI 2.10, 3.3
SECURITY = uuid.UUID("d719b2cb-3d3a-4596-a3bc-dad00e67656f")  # 32.4.1
MESSAGE_DIGEST = bytes.fromhex("06092a864886f70d010904" "3122" "0420")  # of RFC 2315's attributes
REPLACES, ADDS = 0x27, 0x67  # EFI_VARIABLE_…: 8.2
STAMP = 16  # bytes of an EFI_TIME


def covered(path):
    """(what is signed, the time, the content) of an EFI_VARIABLE_AUTHENTICATION_2 (8.2.2)."""
    data = project.read(path)
    size, = struct.unpack_from("<I", data, STAMP)
    at = data.index(MESSAGE_DIGEST) + len(MESSAGE_DIGEST)
    return data[at:at + 32], data[:STAMP], data[STAMP + size:]


def attributes(path, name):
    """Those for which a variable's new content was signed; None: for none of them."""
    digest, stamp, content = covered(path)
    vendor = SECURITY if name.startswith("db") else GLOBAL
    for value in range(128):
        text = name.encode("utf-16-le") + vendor.bytes_le + struct.pack("<I", value) + stamp + content
        if hashlib.sha256(text).digest() == digest:
            return value
    return None


def enrolment(tap, folder):
    for name in keys.NAMES:
        tap.equal(attributes(os.path.join(folder, f"{name}.auth"), name), REPLACES,
                  f"{name}.auth is signed for replacing the variable, as firmware does")


def revocation(tap, folder, program):
    path = os.path.join(folder, "program.efi")
    signer = [os.path.join(folder, f"db.{suffix}") for suffix in ("key", "pem")]
    signed = signing.signed(program, *signer)
    with open(path, "wb") as file:
        file.write(signed)
    digest = efi_image.digest(signed)
    tap.check(digest in signed, "a program's digest is the one that sbsign has signed")
    keys.revoke(folder, [path, signer[1]])
    auth = os.path.join(folder, "dbx.auth")
    tap.equal(attributes(auth, "dbx"), ADDS, "dbx.auth is signed for adding to the variable")
    _, _, content = covered(auth)
    tap.check(digest in content, "it names the program")
    tap.check(project.read(os.path.join(folder, "db.cer")) in content, "and the certificate")


def sections(tap, program):
    made = efi_image.with_sections(program, [(".full", b"x"), (".empty", b"")])
    tap.check(b".full" in made[:4096] and b".empty" not in made[:4096],
              "a section without bytes, which shim does not take, is left out")


def test(tap):
    with project.build_in_use():
        program = project.read(os.path.join(project.ESP, qemu.LOADER))
    with tempfile.TemporaryDirectory(prefix="baton-signatures-") as place:
        folder = os.path.join(place, "keys")
        keys.make(folder)
        enrolment(tap, folder)
        revocation(tap, folder, program)
    sections(tap, program)


if __name__ == "__main__":
    harness.main(test)
