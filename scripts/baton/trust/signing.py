"""What of a volume is signed for Secure Boot, and how: one file for all, or the loader, which then names
the digests of everything else that is believed."""
import hashlib
import os
import shutil
import subprocess
import tempfile

from .. import project
from . import efi_image

LOADER = "EFI/BOOT/BOOTX64.EFI"
ENTRIES = "loader/entries/"
# SBAT: which generation this is, to be revoked by (shim's SBAT.md). Ours is the first.
SBAT = ("sbat,1,SBAT Version,sbat,1,https://github.com/rhboot/shim/blob/main/SBAT.md\n"
        "baton,1,Baton,baton,0.1,https://example.org/baton\n")
OS_RELEASE = 'ID=baton\nNAME="Baton"\nPRETTY_NAME="Baton"\nVERSION_ID=0.1\n'
RELEASE = "6.1.0-baton"  # uname(2)'s


def _content(source):
    return source if isinstance(source, bytes) else project.read(source)


def _values(entry, key):
    lines = [line.split(None, 1) for line in entry.decode().splitlines()]
    return [words[1] for words in lines if words[:1] == [key] and len(words) == 2]


def unify(files, entry_name):
    """The files of a volume as one: a unified kernel image (UAPI.5) at the loader's place."""
    entry = _content(files[entry_name])
    kernel, = _values(entry, "linux")
    sections = [(".osrel", OS_RELEASE.encode()), (".uname", RELEASE.encode()),
                (".cmdline", " ".join(_values(entry, "options")).encode()), (".sbat", SBAT.encode()),
                *((".initrd", _content(files[name.lstrip("/")])) for name in _values(entry, "initrd")),
                (".linux", _content(files[kernel.lstrip("/")]))]
    return {LOADER: efi_image.with_sections(_content(files[LOADER]), sections, LOADER)}


def _digests(files):
    """Everything that the loader reads and the firmware does not check: \"SHA-256 /path\" a line."""
    names = sorted(name for name in files if not name.upper().endswith(".EFI"))
    return "".join(f"{hashlib.sha256(_content(files[name])).hexdigest()} /{name}\n" for name in names)


def _run(*command):
    if not shutil.which(command[0]):
        raise project.Failure(f"--sign needs Debian's sbsigntool: apt-get install sbsigntool ({command[0]})")
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise project.Failure(f"{command[0]}: {ended.stderr.strip() or ended.stdout.strip()}")


def signed(program, key, certificate):
    """An EFI program with a signature (Authenticode)."""
    for path in (key, certificate):
        if not os.path.isfile(path):
            raise project.Failure(f"--sign: {path}: there is no such file")
    with tempfile.TemporaryDirectory(prefix="baton-sign-") as folder:
        plain, out = (os.path.join(folder, name) for name in ("plain.efi", "signed.efi"))
        with open(plain, "wb") as file:
            file.write(program)
        _run("sbsign", "--key", key, "--cert", certificate, "--output", out, plain)
        return project.read(out)


def sign(files, key, certificate):
    """The files of a volume, the loader signed, and in it what else may be believed."""
    loader = _content(files[LOADER])
    sections = [(".digests", _digests(files).encode())]
    if b".sbat" not in loader[:4096]:
        sections.append((".sbat", SBAT.encode()))
    loader = efi_image.with_sections(loader, sections, LOADER)
    return {**files, LOADER: signed(loader, key, certificate)}
