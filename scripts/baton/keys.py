"""scripts/keys: makes keys of one's own for Secure Boot, and the files that enrol them.

In FOLDER, which must not be there yet: for each of PK (the machine's owner), KEK (who may change db) and
db (whose signatures count) a private key NAME.key, its certificate NAME.pem and NAME.cer, and NAME.auth,
which firmware takes.

    scripts/keys ~/baton-keys
    scripts/image --sign ~/baton-keys/db.key ~/baton-keys/db.pem stick.img

Then, in the machine's firmware: Secure Boot, "setup mode" or "custom", and enrol db, KEK and PK, in this
order, from files that were copied to a stick (the .auth or the .cer files, whichever it lists). From then
on the machine starts what these keys signed, and nothing else: keep a copy of the firmware's own keys if
another system is to start as well. Whoever has the .key files can sign for the machine: they belong
nowhere near it, and in no repository.
"""
import argparse
import os
import shutil
import subprocess
import sys
import uuid

from . import boot, machine, project

NAMES = ("PK", "KEK", "db")
SIGNED_BY = {"PK": "PK", "KEK": "PK", "db": "KEK"}  # UEFI 2.10, 32.4
VALID_DAYS = "3650"


def _run(*command, stdin=None):
    if not shutil.which(command[0]):
        raise project.Failure(f"{command[0]}: not there; apt-get install sbsigntool openssl")
    ended = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise project.Failure(f"{command[0]}: {ended.stderr.strip() or ended.stdout.strip()}")


def _certificate(path, name):
    _run("openssl", "req", "-new", "-x509", "-newkey", "rsa:2048", "-sha256", "-nodes", "-days", VALID_DAYS,
         "-subj", f"/CN=Baton {name}/", "-keyout", path(name, "key"), "-out", path(name, "pem"))
    _run("openssl", "x509", "-in", path(name, "pem"), "-outform", "DER", "-out", path(name, "cer"))
    os.chmod(path(name, "key"), 0o600)


def make(folder):
    """Fills a new folder."""
    os.mkdir(folder, 0o700)

    def path(name, suffix):
        return os.path.join(folder, f"{name}.{suffix}")

    owner = str(uuid.uuid4())
    for name in NAMES:
        _certificate(path, name)
    for name in NAMES:
        signer = SIGNED_BY[name]
        _run("sbsiglist", "--owner", owner, "--type", "x509", "--output", path(name, "esl"),
             path(name, "cer"))
        _run("sbvarsign", "--key", path(signer, "key"), "--cert", path(signer, "pem"), "--output",
             path(name, "auth"), name, path(name, "esl"))


def main():
    parser = boot.Parser(prog="scripts/keys", formatter_class=argparse.RawDescriptionHelpFormatter,
                         usage="scripts/keys FOLDER", description=__doc__.partition(": ")[2])
    parser.add_argument("folder", metavar="FOLDER")
    folder = parser.parse_args().folder
    try:
        make(folder)
    except (project.Failure, OSError) as error:
        print(f"baton: {project.explain(error)}", file=sys.stderr)
        return machine.LOST
    print(f"baton: {folder}: sign with db.key and db.pem; enrol db, KEK, PK in the firmware",
          file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
