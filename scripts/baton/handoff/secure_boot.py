"""Secure Boot with Debian's keys for tests: OVMF's variables in which they are enrolled, and a loader
that they have signed. Whoever has variables of their own enrols the same certificate in db."""
import os
import shutil
import subprocess

from .. import project, qemu

KEY = "/usr/share/ovmf/PkKek-1-snakeoil.key"
CERTIFICATE = "/usr/share/ovmf/PkKek-1-snakeoil.pem"
PASSPHRASE = "snakeoil"  # OVMF's README.Debian
VARIABLES = "/usr/share/OVMF/OVMF_VARS_4M.snakeoil.fd"
LOADER = "EFI/BOOT/BOOTX64.EFI"
# System management mode, and flash that only it may write to.
MACHINE = ",smm=on"
FLASH = "-global driver=cfi.pflash01,property=secure,value=on"


def _run(*command):
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise project.Failure(f"{command[0]}: {ended.stderr.strip() or ended.stdout.strip()}")


def _sign(folder):
    """The loader's path, signed."""
    if not shutil.which("sbsign"):
        raise project.Failure("--secure-boot needs Debian's sbsigntool: apt-get install sbsigntool")
    if not os.path.exists(KEY):
        raise project.Failure(f"{KEY}: there is no such file; Debian's ovmf has it")
    key, signed = os.path.join(folder, "key.pem"), os.path.join(folder, "BOOTX64.EFI")
    _run("openssl", "rsa", "-in", KEY, "-passin", f"pass:{PASSPHRASE}", "-out", key)
    _run("sbsign", "--key", key, "--cert", CERTIFICATE, "--output", signed,
         os.path.join(project.ESP, LOADER))
    return signed


def prepare(options: qemu.Options, folder):
    """Changes a machine's options so that Secure Boot is on in it. `folder` has to last as long."""
    options.files = {**options.files, LOADER: _sign(folder)}
    if "," not in (options.firmware or ""):
        options.firmware = f"{options.firmware},{VARIABLES}"
    options.machine += MACHINE
    options.qemu = [*options.qemu, FLASH]
