"""Where the project's parts lie on the host."""
import contextlib
import fcntl
import os

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.abspath(os.environ.get("BATON_BUILD") or os.path.join(SOURCE, "build"))

ESP = os.path.join(BUILD, "esp")
KERNEL = os.path.join(BUILD, "kernel", "kernel.elf")
KERNEL_DEBUG = os.path.join(BUILD, "kernel", "kernel-debug.elf")
INITRD = os.path.join(BUILD, "userspace", "initrd.cpio")
FIRMWARE = os.path.join(BUILD, "scripts", "ovmf.fd")


class Failure(Exception):
    """Something that a person has to be told, in one line."""


@contextlib.contextmanager
def locked(name, mode):
    """Holds the lock file `name` of the build folder; mode is fcntl.LOCK_SH or LOCK_EX."""
    with open(os.path.join(BUILD, name), "a", encoding="ascii") as file:
        fcntl.flock(file, mode)
        yield


@contextlib.contextmanager
def build_in_use():
    """Keeps other invocations of the scripts from building meanwhile."""
    with locked(".lock", fcntl.LOCK_SH):
        yield
