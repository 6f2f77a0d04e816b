#!/usr/bin/python3
"""fat_tree.py: a tree of 10,000 files on FAT, made by mtools, by Baton and by Debian's Linux, each on a
volume of its own: all three read the same of each, by checksum, and fsck.vfat finds nothing."""
import hashlib
import os
import random
import subprocess
import sys
import tempfile

import harness
from baton import peer

MIB = 1 << 20
SIZE = 128 * MIB
FOLDERS, FILES = 100, 100
MAKERS = ("mtools", "baton", "linux")

# What each machine does: fills the disk of its own, then tells what is on each that is filled.
SCRIPT = r"""
for module in /modules/*.ko; do [ ! -e $module ] || insmod $module; done
mkdir -p /volume
for disk in $2; do
    until [ -b /dev/$disk ]; do sleep 0.1; done
    [ "$1" != $disk ] || { blockdev --setrw /dev/$disk; mount -t vfat -o utf8 /dev/$disk /volume &&
        cp -r /tree/. /volume && sync && umount /volume || echo "$disk cannot be filled"; }
    mount -t vfat -o ro,utf8 /dev/$disk /volume || echo "$disk cannot be mounted"
    cd /volume && find . -type f | sort | tr '\n' '\0' | xargs -0 md5sum | md5sum
    find . | wc -l
    cd / && umount /volume
done
"""


def tree_make(root):
    """Names short, long and not ASCII; contents of no byte to some clusters."""
    random.seed(10000)
    for folder in range(FOLDERS):
        name = f"folder {folder} with a name of some length" if folder % 3 else f"DIR{folder}"
        path = os.path.join(root, name)
        os.mkdir(path)
        for number in range(FILES):
            name = (f"FILE{number}.TXT", f"a file with a long name, number {number}.document", f"{number}",
                    f"\u00fcber {number} \u20ac.text")[number % 4]
            with open(os.path.join(path, name), "wb") as file:
                file.write(random.randbytes(random.choice((0, 1, 100, 2048, 5000))))


def answer(root):
    """What the script prints of a volume with this tree."""
    lines = []
    for folder, _, names in os.walk(root):
        for name in names:
            path = os.path.join(folder, name)
            with open(path, "rb") as file:
                digest = hashlib.md5(file.read()).hexdigest()
            lines.append((os.path.join(".", os.path.relpath(path, root)), digest))
    text = "".join(f"{digest}  {path}\n" for path, digest in sorted(lines, key=lambda line: line[0].encode()))
    return [hashlib.md5(text.encode()).hexdigest() + "  -", str(1 + FOLDERS + FOLDERS * FILES)]


def run(tap, kernel, images, own, disks, root):
    """One machine; the lines that it prints of each of `disks`."""
    roots = [root]
    options = {}
    if kernel == "linux":
        options["linux"], modules = peer.pc_kernel()
        roots.append(modules)
    qemu = [argument for name, image in images.items()
            for argument in (f"-drive if=none,id={name},format=raw,file={image}",
                             f"-device virtio-blk-pci,drive={name}")]
    machine = harness.run(["busybox", "sh", "/script", own, " ".join(disks)], kernel=kernel, root=roots,
                          qemu=qemu, memory="1G", linux_from_disk=True, **options)
    tap.check(machine.status == 0, f"{kernel}: it gets through", harness.describe(machine))
    return machine.output.data.decode(errors="replace").splitlines()


def by_mtools(folder, image):
    target = os.path.join(folder, "read")
    os.mkdir(target)
    environment = {**os.environ, "LC_ALL": "C.UTF-8"}
    subprocess.run(["mcopy", "-s", "-n", "-i", image, "::/", target], check=True, env=environment,
                   stdout=subprocess.DEVNULL)
    result = answer(target)
    subprocess.run(["rm", "-r", target], check=True)
    return result


def test(tap):
    with tempfile.TemporaryDirectory(prefix="baton-fat-") as folder:
        root = os.path.join(folder, "root")
        tree = os.path.join(root, "tree")
        os.makedirs(tree)
        tree_make(tree)
        with open(os.path.join(root, "script"), "w", encoding="ascii") as file:
            file.write(SCRIPT)
        images = {maker: os.path.join(folder, maker) for maker in MAKERS}
        for image in images.values():
            with open(image, "wb") as file:
                file.truncate(SIZE)
            subprocess.run(["mkfs.vfat", "-s", "4", image], check=True, stdout=subprocess.DEVNULL)
        subprocess.run(["mcopy", "-s", "-i", images["mtools"],
                        *(os.path.join(tree, name) for name in sorted(os.listdir(tree))), "::/"], check=True,
                       env={**os.environ, "LC_ALL": "C.UTF-8"})
        expected = answer(tree)
        names = dict(zip(MAKERS, ("vdb", "vdc", "vdd")))
        # Who reads what, when it is there: Baton last of all reads what Linux made.
        for kernel, own, makers in (("baton", names["baton"], MAKERS[:2]), ("linux", names["linux"], MAKERS),
                                    ("baton", "none", MAKERS[2:])):
            lines = run(tap, kernel, images, own, [names[maker] for maker in makers], root)
            for number, maker in enumerate(makers):
                tap.equal(lines[2 * number:2 * number + 2], expected, f"{kernel} reads what {maker} made")
        for maker, image in images.items():
            tap.equal(by_mtools(folder, image), expected, f"mtools reads what {maker} made")
            found = subprocess.run(["fsck.vfat", "-n", image], capture_output=True, text=True, check=False)
            tap.check(found.returncode == 0, f"fsck.vfat finds nothing on what {maker} made",
                      *found.stdout.splitlines()[:20])


if __name__ == "__main__":
    sys.exit(harness.main(test))
