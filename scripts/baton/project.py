"""Where the project's parts lie on the host."""
import contextlib
import fcntl
import functools
import os
import subprocess

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.abspath(os.environ.get("BATON_BUILD") or os.path.join(SOURCE, "build"))

ESP = os.path.join(BUILD, "esp")
KERNEL = os.path.join(BUILD, "kernel", "kernel.elf")
KERNEL_DEBUG = os.path.join(BUILD, "kernel", "kernel-debug.elf")
INITRD = os.path.join(BUILD, "userspace", "initrd.cpio")
FIRMWARE = os.path.join(BUILD, "scripts", "ovmf.fd")


class Failure(Exception):
    """Something that a person has to be told, in one line."""


# 2024-01-01 UTC: sources that nobody dated.
NO_DATE = 1704067200


@functools.cache
def date():
    """The time, in seconds since 1970, that what is made of these sources carries: what
    SOURCE_DATE_EPOCH says (reproducible-builds.org), or when the last commit was made."""
    given = os.environ.get("SOURCE_DATE_EPOCH")
    if given:
        if not given.isdecimal():
            raise Failure(f"SOURCE_DATE_EPOCH={given}: has to be seconds since 1970")
        return int(given)
    try:
        told = subprocess.run(["git", "-C", SOURCE, "log", "-1", "--format=%ct"], check=False,
                              capture_output=True, text=True, stdin=subprocess.DEVNULL).stdout
    except OSError:
        told = ""
    return int(told) if told.strip().isdecimal() else NO_DATE


def explain(error):
    """A Failure or an OSError in one line, as a person reads it."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return str(error)


def read(path):
    """The bytes of a file of the host; a Failure that names it."""
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise Failure(f"{path}: {error.strerror}") from error


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
