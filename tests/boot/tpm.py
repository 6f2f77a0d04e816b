"""A TPM for a machine: Debian's swtpm, which emulates one, beside QEMU; and what its PCRs are then."""
import contextlib
import os
import socket
import struct
import subprocess
import tempfile

from baton.machine import _die_with_parent

ALGORITHMS = {"sha1": 4, "sha256": 0xb, "sha384": 0xc, "sha512": 0xd}  # TPM_ALG_ID
SET_DATA_CHANNEL = 0x10  # CMD_SET_DATAFD: swtpm_ioctls(3)
PCRS_A_READ = 8
READ_SIZE, CODE_OF_READ = 20, 0x17e


class Tpm:
    """A TPM 2.0. `arguments` are QEMU's."""

    def __init__(self, device, path):
        self.path = path
        self.arguments = [f"-chardev socket,id=tpm,path={path} -tpmdev emulator,id=tpm,chardev=tpm "
                          f"-device {device},tpmdev=tpm"]

    def pcrs(self, algorithm):
        """All PCRs of a bank, as the TPM itself tells them: when QEMU was killed (one that ends by itself
        turns the TPM off)."""
        values = []
        with socket.socket(socket.AF_UNIX) as control:
            control.connect(self.path)
            ours, its = socket.socketpair()
            with ours, its:
                socket.send_fds(control, [struct.pack(">I", SET_DATA_CHANNEL)], [its.fileno()])
                if struct.unpack(">I", control.recv(4)) != (0,):
                    raise OSError("swtpm takes no channel for data")
                for first in range(0, 24, PCRS_A_READ):
                    values += self._read(ours, ALGORITHMS[algorithm], first)
        return values

    @staticmethod
    def _read(channel, algorithm, first):
        """TPM2_PCR_Read (TPM 2.0 Library, part 3, 22.4)."""
        chosen = bytearray(3)
        chosen[first // 8] = 0xff
        channel.sendall(struct.pack(">HIIIHB", 0x8001, READ_SIZE, CODE_OF_READ, 1, algorithm, 3) + chosen)
        answer = channel.recv(4096)
        code, = struct.unpack_from(">I", answer, 6)
        if code:
            raise OSError(f"TPM2_PCR_Read: 0x{code:x}")
        count, at, values = struct.unpack_from(">I", answer, 24)[0], 28, []
        for _ in range(count):
            size, = struct.unpack_from(">H", answer, at)
            values.append(answer[at + 2:at + 2 + size])
            at += 2 + size
        return values


@contextlib.contextmanager
def new_tpm(device):
    """A new TPM behind `device` (tpm-tis, tpm-crb), for one machine."""
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
                yield Tpm(device, path)
            finally:
                emulator.kill()


@contextlib.contextmanager
def emulated_tpm(device):
    """QEMU's arguments for one."""
    with new_tpm(device) as tpm:
        yield tpm.arguments
