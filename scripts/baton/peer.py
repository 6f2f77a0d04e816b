"""What tests take from Debian: its Linux kernel, the peer that Baton is compared with, and programs.

Packages are downloaded into the build folder and unpacked there, never installed.
"""
import fcntl
import glob
import os
import re
import shutil
import subprocess
import tempfile

from . import project

FOLDER = os.path.join(project.BUILD, "peer")
SUITE = "bookworm"
KERNEL_PACKAGE = "linux-image-cloud-amd64"
PC_KERNEL_PACKAGE = "linux-image-amd64"
# Drivers that Debian built as modules, for what Baton has built in: /dev/cpu/N/cpuid and msr, efivarfs,
# /dev/fuse.
MODULES = ("cpuid", "msr", "efivarfs", "fuse")
# The same, and for disks, USB and file systems, which the kernel for clouds has not.
PC_MODULES = ("virtio_pci", "virtio_blk", "nvme", "ahci", "sd_mod", "xhci_pci", "usb_storage",
              "sdhci_pci", "mmc_block", "loop", "ext4", "vfat", "nls_cp437", "nls_ascii", "nls_utf8",
              *MODULES)

# What packages depend on and no program needs to run.
NOT_WANTED = {"debconf", "debianutils", "dpkg", "gcc-12-base", "libmd0", "perl-base", "tar"}
NOT_WANTED_FILES = ["usr/share/doc", "usr/share/man", "usr/share/info", "usr/share/locale",
                    "usr/share/lintian", "usr/lib/x86_64-linux-gnu/gconv"]


def kernel():
    """The path of Linux's kernel; project.Failure when Debian's package cannot be had."""

    def make(folder):
        depends = _run("apt-cache", "depends", KERNEL_PACKAGE)
        names = re.findall(r"^\s*Depends: (linux-image-\S+)$", depends, re.MULTILINE)
        if not names:
            raise project.Failure(f"{KERNEL_PACKAGE}: not known to apt-cache (try apt-get update)")
        _unpack(names[:1], os.path.join(folder, "root"))
        image, = glob.glob(os.path.join(folder, "root", "boot", "vmlinuz-*"))
        shutil.move(image, os.path.join(folder, "vmlinuz"))
        os.makedirs(os.path.join(folder, "modules", "modules"))
        for name in MODULES:
            module, = glob.glob(os.path.join(folder, "root", "lib", "modules", "**", f"{name}.ko"),
                                recursive=True)
            shutil.move(module, os.path.join(folder, "modules", "modules"))
        shutil.rmtree(os.path.join(folder, "root"))

    return os.path.join(_cached("-".join(["kernel", *MODULES]), make), "vmlinuz")


def pc_kernel():
    """The same with drivers for a PC's hardware, PC_MODULES: its path, and a folder to lay over the
    root: /modules/NN-NAME.ko for each of them and what they need, in the order in which they have to be
    loaded."""

    def make(folder):
        depends = _run("apt-cache", "depends", PC_KERNEL_PACKAGE)
        package = re.findall(r"^\s*Depends: (linux-image-\S+)$", depends, re.MULTILINE)[:1]
        root = os.path.join(folder, "root")
        _unpack(package, root)
        image, = glob.glob(os.path.join(root, "boot", "vmlinuz-*"))
        shutil.move(image, os.path.join(folder, "vmlinuz"))
        there = {os.path.basename(path)[:-3].replace("-", "_"): path
                 for path in glob.glob(os.path.join(root, "lib", "modules", "**", "*.ko"), recursive=True)}
        target = os.path.join(folder, "modules", "modules")
        os.makedirs(target)
        for number, path in enumerate(_in_order(PC_MODULES, there)):
            shutil.move(path, os.path.join(target, f"{number:02}-{os.path.basename(path)}"))
        shutil.rmtree(root)

    folder = _cached("pc-kernel-and-modules", make)
    return os.path.join(folder, "vmlinuz"), os.path.join(folder, "modules")


def _in_order(names, there):
    """The modules' paths, each behind those that it needs, as its file says."""
    result = []

    def add(name):
        path = there[name.replace("-", "_")]
        if path in result:
            return
        with open(path, "rb") as file:
            needs, = re.findall(rb"\0depends=([^\0]*)\0", file.read())[:1] or [b""]
        for needed in needs.decode().split(","):
            if needed:
                add(needed)
        result.append(path)

    for name in names:
        add(name)
    return result


def modules():
    """A folder to lay over the root: /modules/NAME.ko for each of MODULES."""
    return os.path.join(os.path.dirname(kernel()), "modules")


def boot_manager():
    """systemd-boot, an EFI program that starts a kernel as Baton's loader does: from the firmware's
    boot volume, by a file in loader/entries."""
    return os.path.join(packages(["systemd-boot-efi"]), "usr", "lib", "systemd", "boot", "efi",
                        "systemd-bootx64.efi")


def packages(names):
    """A folder to lay over the root, with these packages and what they depend on."""

    def make(folder):
        listing = _run("apt-cache", "depends", "--important", "--recurse", *names)
        wanted = set(re.findall(r"^([a-z0-9][a-z0-9.+-]*)$", listing, re.MULTILINE)) - NOT_WANTED
        _unpack(sorted(wanted | set(names)), folder)
        for path in NOT_WANTED_FILES:
            shutil.rmtree(os.path.join(folder, path), ignore_errors=True)

    return _cached("-".join(sorted(names)), make)


def files_of(names):
    """The same without what they depend on: for their files alone."""
    return _cached("only-" + "-".join(sorted(names)), lambda folder: _unpack(names, folder))


def debootstrap(names):
    """A Debian tree, minbase and these packages, installed as debootstrap(8) does it, which only root can."""
    own = os.path.join(files_of(["debootstrap"]), "usr")

    def make(folder):
        if os.geteuid():
            raise ValueError("only root can make such a tree")
        command = [os.path.join(own, "sbin/debootstrap"), "--variant=minbase",
                   f"--include={','.join(names)}", SUITE, folder]
        subprocess.run(command, check=True, capture_output=True, text=True, stdin=subprocess.DEVNULL,
                       env={**os.environ, "DEBOOTSTRAP_DIR": os.path.join(own, "share/debootstrap")})
        shutil.rmtree(os.path.join(folder, "var/cache/apt/archives"))

    return _cached("-".join(["debootstrap", *sorted(names)]), make)


def _cached(name, make):
    """The folder `name`, made by make(folder) if it is not there yet."""
    path = os.path.join(FOLDER, name)
    os.makedirs(FOLDER, exist_ok=True)
    with project.locked("peer/.lock", fcntl.LOCK_EX):
        if not os.path.exists(path):
            try:
                with tempfile.TemporaryDirectory(dir=FOLDER) as work:
                    made = os.path.join(work, "made")
                    os.mkdir(made)
                    make(made)
                    os.rename(made, path)
            except (subprocess.CalledProcessError, OSError, ValueError) as error:
                reason = getattr(error, "stderr", "") or str(error)
                raise project.Failure(f"Debian's {name}: {reason.strip()}") from error
    return path


def _unpack(names, folder):
    with tempfile.TemporaryDirectory(dir=FOLDER) as downloads:
        _run("apt-get", "-q", "download", *names, cwd=downloads)
        for package in sorted(glob.glob(os.path.join(downloads, "*.deb"))):
            _run("dpkg", "-x", package, folder)


def _run(*command, cwd=None):
    return subprocess.run(command, check=True, cwd=cwd, capture_output=True, text=True,
                          stdin=subprocess.DEVNULL).stdout
