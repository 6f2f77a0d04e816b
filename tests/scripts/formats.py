#!/usr/bin/python3
"""Checks the formats that scripts/baton writes and reads, without booting anything: frames, cpio
archives (unpacked by busybox), GPT (checked field by field) and FAT (listed by mtools)."""
import os
import random
import struct
import subprocess
import sys
import tempfile
import time
import zlib

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "boot"))
import harness  # noqa: E402
from baton import control, cpio, firmware, volume  # noqa: E402
from baton.kernel_log import KernelLog  # noqa: E402


def frames(tap):
    sent = [(control.READY, bytes(4)), (control.ERROR_BYTES, control.SYNC * 3),
            (control.EXIT, bytes(16)), (control.ERROR_BYTES, b"")]
    stream = b"".join(control.frame(kind, payload) for kind, payload in sent)
    decoder = control.Decoder()
    got = [frame for at in range(len(stream)) for frame in decoder.feed(stream[at:at + 1])]
    tap.equal((got, decoder.skipped), (sent, 0), "frames that come byte by byte")
    garbage = random.Random(1)
    for kind, payload in sent:
        decoder = control.Decoder()
        noise = garbage.randbytes(5000) + control.SYNC + b"Q" + garbage.randbytes(50)
        got = list(decoder.feed(noise + control.frame(kind, payload)))
        tap.equal(got[-1:], [(kind, payload)], f"frame {kind.decode()} behind garbage")


def archive(tap):
    with tempfile.TemporaryDirectory() as folder:
        tree = os.path.join(folder, "tree")
        os.makedirs(os.path.join(tree, "bin", "empty"))
        with open(os.path.join(tree, "bin", "tool"), "wb") as file:
            file.write(b"tool\n" * 1000)
        os.chmod(os.path.join(tree, "bin", "tool"), 0o4711)
        os.link(os.path.join(tree, "bin", "tool"), os.path.join(tree, "bin", "twin"))
        os.symlink("tool", os.path.join(tree, "bin", "link"))
        made = cpio.Archive(mtime=1000000000)
        made.file("etc/name", b"name\n", 0o600)
        made.tree(tree)
        data = made.bytes()
        again = cpio.Archive(mtime=1000000000)
        again.file("etc/name", b"name\n", 0o600)
        again.tree(tree)
        tap.check(data == again.bytes(), "the same input gives the same archive")
        out = os.path.join(folder, "out")
        os.mkdir(out)
        subprocess.run(["/bin/busybox", "cpio", "-idm"], input=data, cwd=out, check=True,
                       capture_output=True)
        listing = subprocess.run(["find", ".", "-printf", "%p %m %y %n %s %l\n"], cwd=out,
                                 capture_output=True, text=True, check=True).stdout
        lines = {line.split()[0]: line.split()[1:] for line in listing.splitlines()}
        tap.equal(lines.get("./bin/tool"), ["4711", "f", "2", "5000"], "a file with two names")
        tap.equal(lines.get("./bin/twin"), lines.get("./bin/tool"), "the second one")
        tap.equal(lines.get("./bin/link"), ["777", "l", "1", "4", "tool"], "a symbolic link")
        tap.equal(lines.get("./etc/name"), ["600", "f", "1", "5"], "a file made from bytes")
        tap.check(os.path.isdir(os.path.join(out, "bin", "empty")), "an empty folder")


def merged(tap):
    """A tree with folders of its own is laid where the root's links lead."""
    with tempfile.TemporaryDirectory() as folder:
        base = cpio.Archive()
        base.directory("usr/bin")
        base.folder_link("bin", "usr/bin")
        base.link("lib", "/nowhere")
        base.file("bin/tool", b"old")
        links = cpio.folder_links(base.bytes())
        tap.equal(links, {"bin": "usr/bin"}, "links to folders are found in an archive")
        tap.equal(cpio.folder_links(b"no archive"), {}, "and none in what is no archive")
        tree = os.path.join(folder, "tree")
        for path in ("bin/deep/tool", "lib/tool", "usr/bin/other"):
            os.makedirs(os.path.join(tree, os.path.dirname(path)), exist_ok=True)
            with open(os.path.join(tree, path), "wb") as file:
                file.write(b"new")
        os.symlink("deep/tool", os.path.join(tree, "bin", "tool"))
        laid = cpio.Archive(links=links)
        laid.tree(tree)
        listed = subprocess.run(["/bin/busybox", "cpio", "-t"], input=laid.bytes(), check=True,
                                capture_output=True).stdout.decode().split()
        tap.equal(sorted(listed), ["lib", "lib/tool", "usr", "usr/bin", "usr/bin", "usr/bin/deep",
                                   "usr/bin/deep/tool", "usr/bin/other", "usr/bin/tool"],
                  "a folder goes where the link of its name leads")


def disk_of(tap, sector):
    kind = f"{sector} bytes a sector: "

    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "disk.img")
        volume.write(path, {"EFI/BOOT/BOOTX64.EFI": b"loader", "baton/big": bytes(3 << 20)}, sector)
        with open(path, "rb") as file:
            data = file.read()
        sectors = len(data) // sector
        record = data[446:462]
        tap.check(data[510:512] == b"\x55\xaa" and record[4] == 0xee and
                  struct.unpack_from("<II", record, 8) == (1, sectors - 1), kind + "a protective MBR")
        for here, other, name in ((1, sectors - 1, "primary"), (sectors - 1, 1, "backup")):
            header = data[sector * here:sector * here + 92]
            fields = struct.unpack("<8sIIIIQQQQ16sQIII", header)
            crc = zlib.crc32(header[:16] + bytes(4) + header[20:])
            table = data[sector * fields[10]:sector * fields[10] + fields[11] * fields[12]]
            tap.check(fields[0] == b"EFI PART" and fields[3] == crc and
                      fields[5:7] == (here, other) and fields[13] == zlib.crc32(table),
                      f"{kind}the {name} header and its table", fields)
            first, last = struct.unpack_from("<QQ", table, 32)
            tap.check(fields[7] <= first <= last <= fields[8],
                      f"{kind}the partition lies where the {name} header says it may", first, last)
        boot_sector = data[sector * first:sector * first + 512]
        size, = struct.unpack_from("<I", boot_sector, 32)
        reserved, fats = struct.unpack_from("<HB", boot_sector, 14)
        fat_size, = struct.unpack_from("<I", boot_sector, 36)
        clusters = (size - reserved - fats * fat_size) // boot_sector[13]
        tap.check(clusters >= 65525 and size == last - first + 1 and
                  struct.unpack_from("<H", boot_sector, 11) == (sector,),
                  kind + "FAT32 by its count of clusters", f"{clusters} clusters, {size} sectors")
        listed = subprocess.run(["mdir", "-/", "-b", "-i", f"{path}@@{sector * first}", "::"],
                                capture_output=True, text=True, check=True).stdout.split()
        tap.check("::/EFI/BOOT/BOOTX64.EFI" in listed and "::/baton/big" in listed,
                  kind + "mtools finds the files", listed)


def disk(tap):
    for sector in volume.SECTORS:
        disk_of(tap, sector)


def disk_again(tap):
    """The same files, later: the same disk; another file: another one. And nothing within the volume
    looks like a partition table."""
    with tempfile.TemporaryDirectory() as folder:
        disks, discs = [], []
        for number, loader in enumerate((b"loader", b"loader", b"other")):
            path = os.path.join(folder, f"{number}.img")
            files = [("baton/b", b"b"), ("baton/a", b"a"), ("EFI/BOOT/BOOTX64.EFI", loader)]
            volume.write(path, dict(files if number else reversed(files)))
            with open(path, "rb") as file:
                disks.append(file.read())
            volume.write_cd(path, dict(files if number else reversed(files)))
            with open(path, "rb") as file:
                discs.append(file.read())
            time.sleep(2.1 * (number == 0))  # FAT counts in steps of 2 seconds
        tap.check(disks[0] == disks[1], "the same files give the same disk, byte for byte")
        tap.check(discs[0] == discs[1] != discs[2], "and the same CD")
        guid = slice(512 + 56, 512 + 72)
        tap.check(disks[1][guid] != disks[2][guid], "other files give a disk with another identifier")
        start = volume.PARTITION_START
        backup = 512 * struct.unpack_from("<H", disks[0], start + 50)[0]
        tables = [disks[0][start + at + 446:start + at + 510] for at in (0, backup)]
        tap.equal(tables, [bytes(64)] * 2, "no partition table within the volume, nor in the copy of its "
                  "first sector")


def log(tap):
    def read(*lines):
        result = KernelLog()
        result.feed(b"".join(line + b"\r\n" for line in lines))
        return result

    made = read(b"\x1b[2J\x1b[01;01H[    1.000000] panic: out of luck", b"rax 0", b"panic: end")
    tap.check(made.panic_complete and made.panic.endswith("panic: out of luck"), "a panic")
    made = read(b"\x1b[=3hbaton loader: /x: not found")
    tap.equal(made.failure, "baton loader: /x: not found", "a failure of the loader")
    made = read(b"a program says panic: at once", b"or baton loader: x", b"panic: end")
    tap.equal((made.panic, made.panic_complete, made.failure), (None, False, None),
              "other lines that hold the words mean nothing")


def broken_firmware(tap):
    try:
        firmware.without_tpm_wait(bytes(4096))
        tap.check(False, "firmware of an unknown kind")
    except ValueError:
        tap.check(True, "firmware of an unknown kind is refused")


def test(tap):
    for check in (frames, archive, merged, disk, disk_again, log, broken_firmware):
        check(tap)


if __name__ == "__main__":
    harness.main(test)
