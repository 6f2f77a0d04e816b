#!/usr/bin/python3
"""fuse.py: file systems that Debian's programs serve: fuse2fs, squashfuse, ntfs-3g, exfat-fuse and
fuse-overlayfs. Each is mounted, read, written, unmounted and mounted again; its server is killed; it hangs,
and who waits for it can be killed. At last the host's own programs look at what was written."""
import os
import subprocess
import sys
import tempfile

import harness

PROGRAMS = ("/usr/bin/fuse2fs", "/usr/bin/squashfuse", "/usr/bin/ntfs-3g", "/usr/sbin/mount.exfat-fuse",
            "/usr/bin/fuse-overlayfs")
SIZE = "16M"
# The disks, in the order of their letters; how each is made of an empty file.
FORMATS = {
    "ext4": ["mke2fs", "-q", "-F", "-t", "ext4", "-O", "^has_journal"],
    "ntfs": ["mkntfs", "-q", "-F", "-Q"],
    "exfat": ["mkfs.exfat"],
}
CHECKS = {"ext4": ["e2fsck", "-f", "-n"], "exfat": ["fsck.exfat", "-n"]}
SERVERS = ("ext4", "squashfs", "ntfs", "exfat", "overlay")  # overlay reads what squashfs serves

# In the guest: a line a check, "ok NAME" or "not ok NAME".
SCRIPT = r"""
name=
is() { what=$1; shift; if "$@"; then echo "ok $name: $what"; else echo "not ok $name: $what"; fi; }
program() {
    case $1 in ext4) echo fuse2fs ;; squashfs) echo squashfuse ;; ntfs) echo ntfs-3g ;;
        exfat) echo mount.exfat-fuse ;; overlay) echo fuse-overlayfs ;; esac
}
serve() {
    case $1 in
    ext4) fuse2fs -o rw,allow_other /dev/vdb /mnt/ext4 ;;
    squashfs) squashfuse /dev/vde /mnt/squashfs ;;
    ntfs) ntfs-3g /dev/vdc /mnt/ntfs ;;
    exfat) mount.exfat-fuse /dev/vdd /mnt/exfat ;;
    overlay) fuse-overlayfs -o lowerdir=/mnt/squashfs,upperdir=/upper,workdir=/work /mnt/overlay ;;
    esac > /serve.txt 2>&1 || cat /serve.txt
}
mounted() { grep -q " /mnt/$name fuse" /proc/mounts; }
server() { pidof "$(program $name)"; }
gone() { for i in $(seq 300); do server > /dev/null || return 0; sleep 0.1; done; return 1; }
fill() {
    cd /mnt/$name && mkdir -p one/two && cp /bin/busybox one/copy && mv one/copy one/two/moved &&
        echo first > log && echo second >> log && echo away > away && rm away && truncate -s 100000 long &&
        cp log over && mv over log && cd /
}
filled() {
    cmp /bin/busybox /mnt/$name/one/two/moved && [ "$(cat /mnt/$name/log)" = "$(printf 'first\nsecond')" ] &&
        [ $(stat -c %s /mnt/$name/long) = 100000 ] && [ ! -e /mnt/$name/away ] && [ ! -e /mnt/$name/over ]
}
refuses() { ! touch /mnt/$name/new 2> /dev/null; }
stop() { # and wait until each of its threads has
    kill -STOP $1
    until [ -z "$(grep -L 'State:.T' /proc/$1/task/*/status)" ]; do sleep 0.1; done
}
lists() { ls /mnt/$name > /serve.txt; }
lost() { ls /mnt/$name 2>&1 | grep -q 'not connected'; }
waits() { sleep 0.3; kill -0 $1 2> /dev/null; }
ended() { wait $1; [ $? != 137 ]; }
killed() { kill -KILL $1; wait $1; [ $? = 137 ]; }

mkdir /upper /work
for disk in b c d e; do blockdev --setrw /dev/vd$disk; done
for name in ext4 squashfs ntfs exfat overlay; do
    mkdir -p /mnt/$name
    serve $name
    is "is mounted" mounted
    case $name in squashfs | overlay) is "is read" cmp /bin/busybox /mnt/$name/bin/busybox ;; esac
    if [ $name = squashfs ]; then
        is "refuses to be written" refuses
    else
        is "is written" fill
        is "has what was written" filled
    fi
    umount /mnt/$name
    is "its server ends when it is unmounted" gone
    serve $name
    [ $name = squashfs ] || is "has it when it is mounted again" filled

    stop $(server)
    ls /mnt/$name/nothing > /dev/null 2>&1 &
    is "who asks a server that hangs waits" waits $!
    is "and can be killed" killed $!
    kill -CONT $(server)
    is "a server goes on" lists

    stop $(server)
    ls /mnt/$name/nothing > /dev/null 2>&1 &
    umount -f /mnt/$name 2> /dev/null
    is "umount -f frees who waits" ended $!
    kill -KILL $(server)
    umount -l /mnt/$name 2> /dev/null
    gone
    serve $name
    kill -KILL $(server)
    gone
    is "a server that was killed is told" lost
    is "and can be unmounted" umount /mnt/$name
    serve $name
    is "another one takes its place" lists
done
for name in overlay exfat ntfs squashfs ext4; do umount /mnt/$name; gone; done
sync
echo all done
"""


def disks(folder, tree):
    """Makes the disks; their paths."""
    paths = {}
    for kind, command in FORMATS.items():
        paths[kind] = os.path.join(folder, kind)
        with open(paths[kind], "wb") as file:
            file.truncate(int(SIZE[:-1]) << 20)
        subprocess.run([*command, paths[kind]], check=True, capture_output=True)
    paths["squashfs"] = os.path.join(folder, "squashfs")
    subprocess.run(["mksquashfs", tree, paths["squashfs"], "-quiet", "-no-progress"], check=True,
                   stdout=subprocess.DEVNULL)
    with open(paths["squashfs"], "ab") as file:  # a disk has whole blocks
        file.truncate(-(-os.path.getsize(paths["squashfs"]) // 4096) * 4096)
    return paths


def test(tap):
    with tempfile.TemporaryDirectory(prefix="baton-fuse-") as folder:
        tree = os.path.join(folder, "tree")
        os.makedirs(os.path.join(tree, "bin"))
        subprocess.run(["cp", "/bin/busybox", os.path.join(tree, "bin")], check=True)
        paths = disks(folder, tree)
        drives = [f"-drive if=none,id={kind},format=raw,file={path} -device virtio-blk-pci,drive={kind}"
                  for kind, path in paths.items()]
        machine = harness.run(["sh", "-c", SCRIPT], stdio="merged", servers=PROGRAMS, qemu=drives,
                              debug_kernel=True, smp=2, timeout=150)
        lines = machine.output.data.decode(errors="replace").splitlines()
        for line in lines:
            verdict, _, name = line.rpartition("ok ")
            if line.startswith(("ok ", "not ok ")):
                tap.check(not verdict, name)
            elif line != "all done":
                tap.note(line)
        tap.check(lines[-1:] == ["all done"] and machine.status == 0, "all of it is done",
                  harness.describe(machine))
        for kind, command in CHECKS.items():
            ended = subprocess.run([*command, paths[kind]], capture_output=True, text=True, check=False)
            # Servers were killed: clusters may be lost, blocks be counted wrong, and no more.
            tap.check(ended.returncode in (0, 1, 4), f"{kind}: {command[0]} can read it", ended.stdout)


if __name__ == "__main__":
    sys.exit(harness.main(test))
