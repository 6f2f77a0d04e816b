"""From options to QEMU's arguments: the firmware, the disk or the peer's kernel, the devices."""
import argparse
import dataclasses
import os
import shlex

from . import compression, control, cpio, media, peer, persist, project, volume
from .trust import signing

MACHINES = ("q35", "pc")

ENTRY = "loader/entries/baton.conf"
LOADER = "EFI/BOOT/BOOTX64.EFI"
KERNEL = "baton/kernel.elf"
INITRD = "baton/initrd.cpio"
OVERLAY = "baton/overlay.cpio"


@dataclasses.dataclass
class Options:
    """What `scripts/boot --help` explains, and below that what only tests want."""
    root: list = dataclasses.field(default_factory=list)
    initrd: str = None
    compress: str = None
    append: str = ""
    smp: int = 1
    memory: str = "1G"
    cpu: str = "max"
    machine: str = "q35"
    media: str = "virtio"
    sector: int = 512  # bytes, of the disk
    firmware: str = None
    icount: bool = False
    timeout: float = None
    display: bool = False
    log: str = None
    qemu: list = dataclasses.field(default_factory=list)
    debug_kernel: bool = False

    kernel: str = "baton"  # or "linux": Debian's, with the same root file system
    linux_from_disk: bool = False  # Linux is started from the same disk as Baton, not by QEMU
    linux: str = None  # a Linux kernel's path, other than peer.kernel()
    files: dict = dataclasses.field(default_factory=dict)  # on the ESP: bytes, path, None: absent
    image: str = None  # a disk image to boot instead of one made here
    screen: bool = False  # a graphics card without a window, for screendump
    proc: bool = True  # whether init mounts /proc
    watched: bool = False  # whether a machine that failed stays as it is
    gdb: str = None  # a socket's path: wait there for gdb
    servers: tuple = ()  # programs of this host, with their libraries, in the root file system
    unified: bool = False  # loader, kernel, options and root file system are one file
    sign: list = None  # a key's and a certificate's path: Secure Boot believes what lies on the volume


def _one_line(text):
    """The boot entry is text, a line an option."""
    if not text.isprintable() or not text.isascii():
        raise argparse.ArgumentTypeError("has to be one line of ASCII")
    return text


def add_content_options(parser):
    """Adds the options, common to boot and image, that say what is booted."""
    add = parser.add_argument
    add("--root", metavar="DIR", action="append", default=[],
        help="lay DIR over the root file system; may be repeated")
    add("--initrd", metavar="FILE",
        help="use FILE (cpio, newc; compressed or not) in place of the built initrd")
    add("--sector", type=int, choices=volume.SECTORS, default=volume.SECTOR, metavar="BYTES",
        help="the disk's: 512, or 4096 for one that has no smaller ones (4Kn)")
    add("--compress", choices=compression.COMMANDS, help="compress the root file system")
    add("--append", metavar="OPTIONS", default="", type=_one_line, help="further kernel options")
    add("--debug-kernel", action="store_true", help="the kernel with all checks on")


def _padded(archive):
    """Initrds lie one behind the other, each padded to 4 bytes."""
    return archive + bytes(-len(archive) % 4)


def _compressed(options, archive):
    return compression.compress(options.compress, archive) if options.compress and archive else archive


def _overlay(options, command, initrd):
    """What is laid over the root in the archive `initrd`: an archive for each folder, and one with
    the command. A tree with a /bin of its own goes where the root's link /bin leads."""
    archives = []
    links = {}
    if options.root or options.servers:
        links = cpio.folder_links(compression.decompress(project.read(initrd)))
    if options.servers:
        archives.append(persist.servers(options.servers, links))
    for root in options.root:
        if not os.path.isdir(root):
            reason = "is no folder" if os.path.exists(root) else "there is no such folder"
            raise project.Failure(f"--root {root}: {reason}")
        archive = cpio.Archive(links=links)
        archive.tree(root)
        archives.append(archive.bytes())
    if command is not None:
        archive = cpio.Archive()
        archive.file("command", command, 0o600)
        archives.append(archive.bytes())
    return b"".join(map(_padded, archives))


def _entry(text, append, has_overlay):
    """The boot entry, with more options and one more initrd."""
    result = []
    for line in text.splitlines():
        key = line.split()[:1]
        if key == ["options"] and append:
            line = f"{line} {append}"
        result.append(line)
        if key == ["initrd"] and has_overlay:
            result.append(f"initrd /{OVERLAY}")
            has_overlay = False
    return "".join(line + "\n" for line in result).encode()


def esp_files(options, command=None):
    """The files of the EFI system partition: as built, changed as the options say."""
    files = {}
    for folder, _, names in os.walk(project.ESP):
        for name in names:
            path = os.path.join(folder, name)
            files[os.path.relpath(path, project.ESP)] = path
    _built(os.path.join(project.ESP, ENTRY))
    if options.initrd:
        files[INITRD] = _existing("--initrd", options.initrd)
    overlay = _overlay(options, command, files[INITRD])
    if overlay:
        files[OVERLAY] = overlay
    if options.compress:
        for name in files.keys() & {INITRD, OVERLAY}:
            data = files[name] if isinstance(files[name], bytes) else project.read(files[name])
            files[name] = _compressed(options, data)
    with open(files[ENTRY], encoding="ascii") as file:
        files[ENTRY] = _entry(file.read(), options.append, bool(overlay))
    if options.debug_kernel:
        files[KERNEL] = _built(project.KERNEL_DEBUG)
    if options.kernel == "linux":
        files[LOADER] = peer.boot_manager()
        files[KERNEL] = options.linux or peer.kernel()
        files[ENTRY] = _linux_entry(files[ENTRY], options.append)
    files.update(options.files)
    files = {name: source for name, source in files.items() if source is not None}
    if options.unified:
        files = signing.unify(files, ENTRY)
    return signing.sign(files, *options.sign) if options.sign else files


LINUX_OPTIONS = "console=ttyS0 quiet panic=-1"


def _linux_entry(entry, append):
    """The boot entry with options for Linux."""
    lines = [line for line in entry.decode().splitlines() if not line.startswith("options")]
    return "".join(line + "\n" for line in [*lines, f"options {LINUX_OPTIONS} {append}"]).encode()


def _existing(option, path):
    """The absolute path of a file that an option names."""
    if not os.path.isfile(path):
        reason = "is no file" if os.path.exists(path) else "there is no such file"
        raise project.Failure(f"{option} {path}: {reason}")
    return os.path.abspath(path)


def _built(path):
    """A file that the build makes."""
    if not os.path.exists(path):
        raise project.Failure(f"{path}: not built yet; leave --no-build out")
    return path


def _firmware(options, folder):
    code, _, variables = (options.firmware or _default_firmware(options)).partition(",")
    for path in filter(None, (code, variables)):
        _existing("--firmware", path)
    if not variables and options.media in media.FIRMWARE:
        raise project.Failure(f"--media {options.media} needs a firmware whose variables lie apart")
    if not variables:
        return ["-bios", code]
    copy = os.path.join(folder, "variables.fd")
    with open(copy, "wb") as target:
        target.write(media.variables(options, project.read(variables)))
    return ["-drive", f"if=pflash,unit=0,format=raw,readonly=on,file={code}",
            "-drive", f"if=pflash,unit=1,format=raw,file={copy}"]


def _default_firmware(options):
    return media.FIRMWARE.get(options.media) or _built(project.FIRMWARE)


def _linux(options, folder, command):
    kernel = options.linux or peer.kernel()
    base = _existing("--initrd", options.initrd) if options.initrd else project.INITRD
    initrd = os.path.join(folder, "initrd.cpio")
    with project.build_in_use(), open(initrd, "wb") as file:
        for archive in (project.read(base), _overlay(options, command, base)):
            file.write(_padded(_compressed(options, archive)))
            file.write(bytes(4))  # lz4's older format has no end of its own
    return ["-kernel", kernel, "-initrd", initrd,
            "-append", f"{LINUX_OPTIONS} {options.append}"]


def _media(options, folder, command):
    with project.build_in_use():
        return media.arguments(options, folder, lambda: esp_files(options, command))


def arguments(options, folder, arguments=None, environment=None, stdio="pipes", size=None,
              greeting=False):
    """QEMU's command line, but for the serial ports. Files for this run are made in `folder`; the
    command is as control.command_file wants it."""
    command = None
    if arguments is not None:
        command = control.command_file(arguments, environment or {}, stdio, size, options.proc,
                                       greeting)
    result = ["qemu-system-x86_64", "-nodefaults", "-no-user-config", "-no-reboot",
              "-accel", "tcg,thread=single" if options.icount else "tcg",
              "-machine", options.machine, "-cpu", options.cpu, "-m", options.memory,
              "-smp", str(options.smp), *_firmware(options, folder)]
    by_qemu = options.kernel == "linux" and not options.linux_from_disk
    result += (_linux if by_qemu else _media)(options, folder, command)
    if options.display or options.screen:
        result += ["-device", "VGA"]
    if not options.display:
        result += ["-display", "none"]
    if options.icount:
        # -rtc and -seed take the host's clock and randomness out of the run.
        result += ["-icount", "shift=0,sleep=off", "-rtc", "base=2024-01-01,clock=vm",
                   "-seed", "1"]
    if options.gdb:
        result += ["-S", "-gdb", f"unix:{options.gdb},server=on,wait=off"]
    for extra in options.qemu:
        try:
            result += shlex.split(extra)
        except ValueError as error:
            raise project.Failure(f"--qemu {extra}: {error}") from error
    return result
