"""What a machine boots from: a disk, a CD, or a network. From options to QEMU's arguments."""
import os
import subprocess

from . import network, project, volume

DISKS = {
    "virtio": ["-device", "virtio-blk-pci,drive=disk,bootindex=0"],
    "nvme": ["-device", "nvme,serial=baton,drive=disk,bootindex=0"],
    "sata": ["-device", "ahci,id=sata", "-device", "ide-hd,bus=sata.0,drive=disk,bootindex=0"],
    "usb": ["-device", "qemu-xhci,id=usb",
            "-device", "usb-storage,bus=usb.0,drive=disk,removable=on,bootindex=0"],
    "none": [],  # a test says by itself where the disk is
}
# A disk on which QEMU's usb-storage has no say in the size of sectors.
USB_SCSI = ["-device", "qemu-xhci,id=usb", "-device", "usb-bot,id=bot,bus=usb.0",
            "-device", "scsi-hd,bus=bot.0,drive=disk,bootindex=0"]
CD = ["-device", "ahci,id=sata", "-device", "ide-cd,bus=sata.0,drive=disk,bootindex=0"]
NETWORKS = ("pxe", "http", "http-image", "ipxe")
MEDIA = [*(name for name in DISKS if name != "none"), "cd", *NETWORKS]

# HTTP boot needs a boot option, so a firmware whose variables lie in a file of their own.
_WITH_VARIABLES = "/usr/share/OVMF/OVMF_CODE.fd,/usr/share/OVMF/OVMF_VARS.fd"
FIRMWARE = {"http": _WITH_VARIABLES, "http-image": _WITH_VARIABLES}


def variables(options, flash):
    """The firmware's variables: as they are, or with what HTTP boot starts."""
    files = {"http": network.LOADER, "http-image": "baton.img"}
    if options.media not in files:
        return flash
    try:
        return network.boot_next(flash, f"http://{network.SERVER}/{files[options.media]}")
    except ValueError as error:
        raise project.Failure(f"--media {options.media}: {error}") from error


def _drive(path, *more):
    return ["-drive", ",".join(["if=none,id=disk,format=raw,cache=unsafe", f"file={path}", *more])]


def _disk(options, folder, files):
    disk = os.path.join(folder, "disk.img")
    if options.image:
        subprocess.run(["cp", "--sparse=always", options.image, disk], check=True)
    else:
        volume.write(disk, files(), options.sector)
    return [*_drive(disk), *_disk_devices(options)]


def _disk_devices(options):
    if options.sector == volume.SECTOR or options.media == "none":
        return DISKS[options.media]
    if options.media == "sata":
        raise project.Failure("--sector: QEMU's SATA disks have sectors of 512 bytes")
    devices = list(USB_SCSI if options.media == "usb" else DISKS[options.media])
    devices[-1] += f",logical_block_size={options.sector},physical_block_size={options.sector}"
    return devices


def _cd(options, folder, files):
    disc = options.image or os.path.join(folder, "disc.iso")
    if not options.image:
        volume.write_cd(disc, files())
    return [*_drive(disc, "media=cdrom", "readonly=on"), *CD]


def _tree(folder, files):
    """The files in a folder, as a server has them."""
    tree = os.path.join(folder, "server")
    os.mkdir(tree)
    for name, source in files.items():
        path = os.path.join(tree, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(source if isinstance(source, bytes) else project.read(source))
    return tree


def _network(options, folder, files):
    files = files()
    if options.media == "pxe":
        return network.pxe(_tree(folder, files))
    if options.media == "http":
        return network.http_server(_tree(folder, files))
    if options.media == "http-image":
        tree = _tree(folder, {})
        volume.write(os.path.join(tree, "baton.img"), files)
        return network.http_server(tree)
    if not os.path.exists(network.IPXE):
        raise project.Failure(f"{network.IPXE}: not there; Debian's package ipxe has it")
    disk = os.path.join(folder, "ipxe.img")
    volume.write(disk, {network.LOADER: network.IPXE})
    tree = _tree(folder, {**files, network.IPXE_SCRIPT: network.ipxe_script(files)})
    return [*network.pxe(tree, network.IPXE_SCRIPT), *_drive(disk), *DISKS["virtio"]]


def arguments(options, folder, files):
    """QEMU's arguments. What they name is made in `folder`, of the files of the EFI system partition that
    files() gives."""
    if options.sector != volume.SECTOR and options.media not in DISKS:
        raise project.Failure(f"--sector: --media {options.media} has no disk")
    make = _cd if options.media == "cd" else _network if options.media in NETWORKS else _disk
    return make(options, folder, files)
