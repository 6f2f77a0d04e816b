"""A TPM 2.0 in software for a machine: Debian's swtpm, in a folder of its own."""
import os
import shutil
import subprocess
import time

from .. import project

START_SECONDS = 10


class Tpm:
    """To be used in a `with` statement; `arguments` are QEMU's."""

    def __init__(self, folder):
        self._socket = os.path.join(folder, "tpm.socket")
        if not shutil.which("swtpm"):
            raise project.Failure("--tpm needs Debian's swtpm: apt-get install swtpm")
        self._process = subprocess.Popen(
            ["swtpm", "socket", "--tpm2", "--tpmstate", f"dir={folder}",
             "--ctrl", f"type=unixio,path={self._socket}", "--flags", "startup-clear"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    @property
    def arguments(self):
        return (f"-chardev socket,id=tpm,path={self._socket} -tpmdev emulator,id=tpm0,chardev=tpm "
                "-device tpm-tis,tpmdev=tpm0")

    def __enter__(self):
        end = time.monotonic() + START_SECONDS
        while not os.path.exists(self._socket):
            if self._process.poll() is not None or time.monotonic() > end:
                raise project.Failure("swtpm does not start")
            time.sleep(0.01)
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.wait()
