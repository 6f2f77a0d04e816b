"""Secure Boot with Debian's keys for tests: OVMF's variables in which they are enrolled, and a
loader that they have signed. Whoever has variables of their own enrols the same certificate in db."""
import os
import subprocess

from .. import project, qemu

KEY = "/usr/share/ovmf/PkKek-1-snakeoil.key"
CERTIFICATE = "/usr/share/ovmf/PkKek-1-snakeoil.pem"
PASSPHRASE = "snakeoil"  # OVMF's README.Debian
VARIABLES = "/usr/share/OVMF/OVMF_VARS_4M.snakeoil.fd"
# System management mode, and flash that only it may write to.
MACHINE = ",smm=on"
FLASH = "-global driver=cfi.pflash01,property=secure,value=on"


def unlocked_key(folder):
    """The path of Debian's key for tests, without its passphrase; it lasts as long as `folder`."""
    key = os.path.join(folder, "key.pem")
    if not os.path.exists(KEY):
        raise project.Failure(f"{KEY}: there is no such file; Debian's ovmf has it")
    ended = subprocess.run(["openssl", "rsa", "-in", KEY, "-passin", f"pass:{PASSPHRASE}", "-out", key],
                           capture_output=True, text=True, check=False)
    if ended.returncode:
        raise project.Failure(f"openssl: {ended.stderr.strip()}")
    return key


def prepare(options: qemu.Options, folder):
    """Changes a machine's options so that Secure Boot is on in it. `folder` has to last as long."""
    options.sign = [unlocked_key(folder), CERTIFICATE]
    if "," not in (options.firmware or ""):
        options.firmware = f"{options.firmware},{VARIABLES}"
    options.machine += MACHINE
    options.qemu = [*options.qemu, FLASH]
