"""Debian's Linux kernel, the peer that Baton is compared with.

The package is downloaded into the build folder and unpacked there, never installed.
"""
import fcntl
import glob
import os
import re
import shutil
import subprocess
import tempfile

from . import project

PACKAGE = "linux-image-cloud-amd64"
KERNEL = os.path.join(project.BUILD, "peer", "vmlinuz")


def kernel():
    """The path of Linux's kernel; project.Failure when Debian's package cannot be had."""
    os.makedirs(os.path.dirname(KERNEL), exist_ok=True)
    with project.locked("peer/.lock", fcntl.LOCK_EX):
        if not os.path.exists(KERNEL):
            _download()
    return KERNEL


def _download():
    try:
        depends = _run("apt-cache", "depends", PACKAGE)
        names = re.findall(r"^\s*Depends: (linux-image-\S+)$", depends, re.MULTILINE)
        if not names:
            raise project.Failure(f"{PACKAGE}: not known to apt-cache (try apt-get update)")
        with tempfile.TemporaryDirectory(dir=os.path.dirname(KERNEL)) as folder:
            _run("apt-get", "-q", "download", names[0], cwd=folder)
            package, = glob.glob(os.path.join(folder, "*.deb"))
            _run("dpkg", "-x", package, os.path.join(folder, "root"))
            image, = glob.glob(os.path.join(folder, "root", "boot", "vmlinuz-*"))
            shutil.move(image, KERNEL)
    except (subprocess.CalledProcessError, OSError, ValueError) as error:
        reason = getattr(error, "stderr", "") or str(error)
        raise project.Failure(f"{PACKAGE}: {reason.strip()}") from error


def _run(*command, cwd=None):
    return subprocess.run(command, check=True, cwd=cwd, capture_output=True, text=True,
                          stdin=subprocess.DEVNULL).stdout
