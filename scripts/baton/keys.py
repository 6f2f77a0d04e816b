"""scripts/keys: makes keys of one's own for Secure Boot, and the files that enrol them.

In FOLDER, which must not be there yet: for each of PK (the machine's owner), KEK (who may change db and
dbx) and db (whose signatures count) a private key NAME.key, its certificate NAME.pem and NAME.cer, and
NAME.auth, which firmware takes.

    scripts/keys ~/baton-keys
    scripts/image --sign ~/baton-keys/db.key ~/baton-keys/db.pem stick.img

Then, in the machine's firmware: Secure Boot, "setup mode" or "custom", and enrol db, KEK and PK, in this
order, from files that were copied to a stick (the .auth or the .cer files, whichever it lists). Where it
lists none, a system that runs in setup mode can: Baton or Linux as root, in a folder with the .auth files,

    cd FOLDER; for name in db-d719b2cb-3d3a-4596-a3bc-dad00e67656f \\
            KEK-8be4df61-93ca-11d2-aa0d-00e098032b8c PK-8be4df61-93ca-11d2-aa0d-00e098032b8c; do
        (printf '\\047\\0\\0\\0'; cat ${name%%-*}.auth) > /tmp/new
        cat /tmp/new > /sys/firmware/efi/efivars/$name
    done

From then on the machine starts what these keys signed, and nothing else: keep a copy of the firmware's own
keys if another system is to start as well. Whoever has the .key files can sign for the machine: they
belong nowhere near it, and in no repository.

    scripts/keys ~/baton-keys --revoke FILE…

makes dbx.auth there, by which the machine refuses each FILE from then on: an EFI program as it is, or all
that a certificate (.pem, .cer) signed. It adds to dbx and takes nothing away; from a running system:

    (printf '\\147\\0\\0\\0'; cat dbx.auth) > /tmp/new
    cat /tmp/new > /sys/firmware/efi/efivars/dbx-d719b2cb-3d3a-4596-a3bc-dad00e67656f
"""
import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import uuid

from . import boot, machine, project
from .trust import efi_image

NAMES = ("PK", "KEK", "db")
SIGNED_BY = {"PK": "PK", "KEK": "PK", "db": "KEK", "dbx": "KEK"}  # UEFI 2.10, 32.4
VALID_DAYS = "3650"
# A signature covers the attributes too. Without --attr sbvarsign signs for adding to what is there, and
# firmware, which replaces, refuses that.
REPLACES = "NON_VOLATILE,BOOTSERVICE_ACCESS,RUNTIME_ACCESS"
ADDS = REPLACES + ",APPEND_WRITE"


def _run(*command):
    if not shutil.which(command[0]):
        raise project.Failure(f"{command[0]}: not there; apt-get install sbsigntool openssl")
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise project.Failure(f"{command[0]}: {ended.stderr.strip() or ended.stdout.strip()}")


class _Folder:
    def __init__(self, folder):
        self.folder = folder

    def path(self, name, suffix):
        return os.path.join(self.folder, f"{name}.{suffix}")

    def certificate(self, name):
        _run("openssl", "req", "-new", "-x509", "-newkey", "rsa:2048", "-sha256", "-nodes", "-days",
             VALID_DAYS, "-subj", f"/CN=Baton {name}/", "-keyout", self.path(name, "key"), "-out",
             self.path(name, "pem"))
        _run("openssl", "x509", "-in", self.path(name, "pem"), "-outform", "DER", "-out",
             self.path(name, "cer"))
        os.chmod(self.path(name, "key"), 0o600)

    def authorize(self, name, attributes):
        """NAME.auth from NAME.esl, signed by whoever may change that variable."""
        signer = SIGNED_BY[name]
        _run("sbvarsign", "--attr", attributes, "--key", self.path(signer, "key"), "--cert",
             self.path(signer, "pem"), "--output", self.path(name, "auth"), name, self.path(name, "esl"))


def _list(owner, kind, source, target):
    """EFI_SIGNATURE_LIST (UEFI 2.10, 32.4.1)."""
    _run("sbsiglist", "--owner", owner, "--type", kind, "--output", target, source)
    return project.read(target)


def make(folder):
    """Fills a new folder."""
    os.mkdir(folder, 0o700)
    keys, owner = _Folder(folder), str(uuid.uuid4())
    for name in NAMES:
        keys.certificate(name)
    for name in NAMES:
        _list(owner, "x509", keys.path(name, "cer"), keys.path(name, "esl"))
        keys.authorize(name, REPLACES)


def _revocation(owner, path, work):
    source, target = os.path.join(work, "source"), os.path.join(work, "list")
    data = project.read(path)
    if data[:2] == b"MZ":
        with open(source, "wb") as file:
            file.write(efi_image.digest(data, path))
        return _list(owner, "sha256", source, target)
    form = "PEM" if b"-----BEGIN" in data else "DER"
    _run("openssl", "x509", "-inform", form, "-in", path, "-outform", "DER", "-out", source)
    return _list(owner, "x509", source, target)


def revoke(folder, paths):
    """Writes dbx.auth to a folder that make() filled."""
    keys, owner = _Folder(folder), str(uuid.uuid4())
    with tempfile.TemporaryDirectory(prefix="baton-keys-") as work:
        lists = b"".join(_revocation(owner, path, work) for path in paths)
    with open(keys.path("dbx", "esl"), "wb") as file:
        file.write(lists)
    keys.authorize("dbx", ADDS)


def main():
    parser = boot.Parser(prog="scripts/keys", formatter_class=argparse.RawDescriptionHelpFormatter,
                         usage="scripts/keys FOLDER [--revoke FILE…]",
                         description=__doc__.partition(": ")[2])
    parser.add_argument("folder", metavar="FOLDER")
    parser.add_argument("--revoke", metavar="FILE", nargs="+",
                        help="make dbx.auth, which refuses these files")
    asked = parser.parse_args()
    try:
        if asked.revoke:
            revoke(asked.folder, asked.revoke)
            done = "dbx.auth: write it to the firmware's dbx"
        else:
            make(asked.folder)
            done = "sign with db.key and db.pem; enrol db, KEK, PK in the firmware"
    except (project.Failure, OSError) as error:
        print(f"baton: {project.explain(error)}", file=sys.stderr)
        return machine.LOST
    print(f"baton: {asked.folder}: {done}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
