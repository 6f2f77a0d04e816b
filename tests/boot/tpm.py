"""A TPM for a machine: Debian's swtpm, which emulates one, beside QEMU."""
import contextlib
import os
import socket
import subprocess
import tempfile

from baton.machine import _die_with_parent


@contextlib.contextmanager
def emulated_tpm(device):
    """QEMU's arguments for a new TPM 2.0 behind `device` (tpm-tis, tpm-crb), for one machine."""
    with tempfile.TemporaryDirectory(prefix="baton-tpm-") as folder, \
            socket.socket(socket.AF_UNIX) as listening:
        path = os.path.join(folder, "control")
        listening.bind(path)
        listening.listen(1)
        with subprocess.Popen(["swtpm", "socket", "--tpm2", "--tpmstate", f"dir={folder}",
                               "--ctrl", f"type=unixio,fd={listening.fileno()}"],
                              stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                              pass_fds=[listening.fileno()],
                              preexec_fn=_die_with_parent) as emulator:
            try:
                yield [f"-chardev socket,id=tpm,path={path} -tpmdev emulator,id=tpm,chardev=tpm "
                       f"-device {device},tpmdev=tpm"]
            finally:
                emulator.kill()
