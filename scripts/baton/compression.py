"""Archives as Linux and Baton's loader take them compressed, by the formats' own tools."""
import subprocess

from . import project

# What Linux takes too: xz with CRC32 (its lib/xz knows no other check by default), lz4's older format.
COMMANDS = {
    "gzip": ["gzip", "-9", "-n"],
    "xz": ["xz", "--check=crc32"],
    "zstd": ["zstd", "-q", "-19"],
    "lz4": ["lz4", "-q", "-9", "-l"],
}
MAGICS = {b"\x1f\x8b": "gzip", b"\xfd7zXZ": "xz", b"\x28\xb5\x2f\xfd": "zstd", b"\x04\x22\x4d\x18": "lz4",
          b"\x02\x21\x4c\x18": "lz4"}


def run(command, data):
    """What the command makes of the data."""
    try:
        result = subprocess.run(command, input=data, capture_output=True, check=False)
    except FileNotFoundError as error:
        raise project.Failure(f"{command[0]}: not installed") from error
    if result.returncode:
        reason = result.stderr.decode(errors="replace").strip()
        raise project.Failure(f"{command[0]}: {reason or 'failed'}")
    return result.stdout


def compress(name, data):
    return run([*COMMANDS[name], "-c"], data)


def decompress(data):
    """The first archive of an initrd; the data as they are where it is not compressed."""
    for magic, name in MAGICS.items():
        if data.startswith(magic):
            return run([COMMANDS[name][0], "-d", "-q", "-c"], data)
    return data
