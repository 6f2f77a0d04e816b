#!/usr/bin/python3
"""Boots from volumes with something wrong: each has to end with a message that names the cause,
none with a reset, a hang or a triple fault."""
import os
import re
import sys

import harness
from harness import project

LOADER = "EFI/BOOT/BOOTX64.EFI"
KERNEL = "baton/kernel.elf"
INITRD = "baton/initrd.cpio"
ENTRY = "loader/entries/baton.conf"
MAGIC = b"BATON\0\0\0"  # HANDOFF_MAGIC of include/handoff.h, in memory


def read(name):
    with open(os.path.join(project.ESP, name), "rb") as file:
        return file.read()


def other_magic():
    """The loader, with what it writes first into the handoff changed (include/handoff.h)."""
    loader = read(LOADER)
    return loader.replace(MAGIC, MAGIC[::-1])


def cases():
    """(name, options, words of which the message has to have one each)."""
    kernel, initrd = read(KERNEL), read(INITRD)
    entry = read(ENTRY)
    without = b"".join(line for line in entry.splitlines(True) if not line.startswith(b"linux"))

    def with_file(name, data):
        return {"files": {name: data}}

    return [
        ("no entry", with_file(ENTRY, None), ["baton.conf"]),
        ("an empty entry", with_file(ENTRY, b""), ["baton.conf"]),
        ("an entry without a kernel", with_file(ENTRY, without), ["baton.conf"]),
        ("an entry of random bytes", with_file(ENTRY, os.urandom(5000)), ["baton.conf"]),
        ("no kernel", with_file(KERNEL, None), ["kernel.elf", "not found"]),
        ("an empty kernel", with_file(KERNEL, b""), ["kernel.elf"]),
        ("a kernel of 100 bytes", with_file(KERNEL, kernel[:100]), ["kernel.elf"]),
        ("half a kernel", with_file(KERNEL, kernel[:len(kernel) // 2]), ["kernel.elf"]),
        ("a kernel that is no ELF file", with_file(KERNEL, b"MZ" + kernel[2:]), ["kernel.elf"]),
        ("a kernel for another machine", with_file(KERNEL, kernel[:18] + b"\xb7\0" + kernel[20:]),
         ["kernel.elf"]),
        ("no initrd", with_file(INITRD, None), ["initrd.cpio", "not found"]),
        ("an empty initrd", with_file(INITRD, b""), ["initrd"]),
        ("an initrd of random bytes", with_file(INITRD, os.urandom(100000)), ["initrd"]),
        ("half an initrd", with_file(INITRD, initrd[:len(initrd) // 2]), ["initrd"]),
        ("an initrd with a corrupt header",
         with_file(INITRD, initrd[:6] + b"XXXXXXXX" + initrd[14:]), ["initrd"]),
        ("no kernel on a server, by TFTP", {"media": "pxe", **with_file(KERNEL, None)},
         ["kernel.elf", "not found"]),
        ("no initrd on a server, by HTTP", {"media": "http", **with_file(INITRD, None)},
         ["initrd.cpio", "not found"]),
        # 96 MiB of initrd in a machine of 128: the firmware has no room for it.
        ("too little memory for the initrd",
         {"memory": "128M", **with_file(INITRD, initrd + bytes(96 << 20))}, ["initrd", "memory"]),
        *((f"a processor without {name}", {"cpu": f"max,-{flag}"}, ["processor", word])
          for name, flag, word in (("NX", "nx", "no-execute"), ("a local APIC", "apic", "local apic"),
                                   ("SSE2", "sse2", "sse2"), ("SYSCALL", "syscall", "syscall"))),
        ("a loader that hands over with another magic number", with_file(LOADER, other_magic()), ["handoff"]),
        ("too little memory for the kernel", {"append": "mem=64K"}, ["memory"]),
        ("too little memory for the initrd's files", {"append": "mem=1M"}, ["memory", "initrd"]),
    ]


def return_to_firmware(tap, screen):
    """After its message the loader goes back to the firmware: at once when nobody is there, and
    where there is a screen, when somebody has read it and presses a key."""
    options = harness.Options(files={ENTRY: None}, screen=screen, watched=True, timeout=60)
    with harness.Machine(options, ["true"]) as machine:
        tap.check(machine.wait(lambda: machine.log.failure, 30), "the message is there")
        at = len(machine.log.lines)

        def back():
            return any("Bds" in line for line in machine.log.lines[at:])

        if screen:
            tap.check(not machine.wait(back, 3), "with a screen it stays there")
            machine.query("send-key", keys=[{"type": "qcode", "data": "spc"}])
        tap.check(machine.wait(back, 20), "and the firmware goes on", *machine.log.tail())


def firmware_of_32_bits(tap):
    """It finds BOOTIA32.EFI, which says what is needed."""
    names = [f"/usr/share/OVMF/OVMF32_{name}.fd" for name in ("CODE_4M.secboot", "VARS_4M")]
    machine = harness.run(["true"], firmware=",".join(names), machine="q35,smm=on", timeout=120,
                          qemu=["-global driver=cfi.pflash01,property=secure,value=on"])
    tap.check("64-bit firmware" in (machine.cause or ""), f"a firmware of 32 bits: {machine.cause}",
              harness.describe(machine))


def from_the_shell(tap):
    """OVMF's own shell starts the loader, which lies in no place where the firmware looks, with options: the
    first one is an entry."""
    loader = os.path.join(project.ESP, "EFI/BOOT/BOOTX64.EFI")
    files = {"EFI/BOOT/BOOTX64.EFI": None, "EFI/BOOT/BOOTIA32.EFI": None, "tools/loader.efi": loader,
             "startup.nsh": b"@echo -off\r\nFS0:\\tools\\loader.efi baton.conf nokaslr\r\n"}
    # Watched: the shell alone is a machine that found nothing to start.
    options = harness.Options(files=files, watched=True, timeout=120)
    with harness.Machine(options, ["/bin/exec_basic"]) as machine:
        runs = machine.wait(lambda: bytes(machine.output.data) == b"EXEC_OK\n", 90)
        tap.check(runs and "at 0xffffffff80000000" in machine.log.text(),
                  "from the UEFI shell, with an entry and options", *machine.log.tail())


def test(tap):
    for name, options, words in cases():
        machine = harness.run(["/bin/exec_basic"], **options)
        cause = machine.cause or ""
        clear = re.search(r"baton loader: |baton: cannot start: |panic: ", cause)
        text = machine.log.text().lower()
        tap.check(clear and all(word in text for word in words), f"{name}: {cause or 'it boots'}",
                  harness.describe(machine))
    for screen in (False, True):
        return_to_firmware(tap, screen)
    firmware_of_32_bits(tap)
    from_the_shell(tap)


if __name__ == "__main__":
    sys.exit(harness.main(test))
