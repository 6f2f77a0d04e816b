"""The true findings of firmware that Debian packages, each with an explanation. Seen on Debian 12 (OVMF
2022.11-6, U-Boot 2023.01, QEMU 7.2); the causes were not traced in their sources. A finding that comes or
goes fails real.py: it is to be explained here."""

# EDK2 as OVMF has it: true of all its builds.
OVMF = {
    30: "PCI drivers and host bridge keep bus mastering on: EDK2 turns it off only where "
        "PcdTurnOffUsbLegacySupport and drivers' own handlers do; the functions have no DMA under way",
    36: "BDS has a stack of 128 KiB, of which it has used 2 KB when it starts a loader",
    42: "PcdDxeNxMemoryProtectionPolicy is 0: free memory and pools are executable",
    43: "PcdImageProtectionPolicy covers images from firmware volumes only, not those from a disk",
    44: "EFI_MEMORY_ATTRIBUTE_PROTOCOL came to EDK2 in 2023",
    46: "PcdNullPointerDetectionPropertyMask and the heap guard are off",
    47: "modules are built with 32-byte section alignment and without NX_COMPAT (GenFw before 2023)",
    74: "EFI_RNG_PROTOCOL needs QEMU's virtio-rng, which this machine has not",
}

U_BOOT = {
    14: "its MTRRs make everything uncacheable but the ROM (default type 0, one range): RAM too, though its "
        "map says WB",
    27: "the 8259s are not masked, and the 8254 goes on ticking",
    29: "the 8259s stay unmasked: arch/x86/lib/interrupts.c has no counterpart at the exit",
    30: "U-Boot's PCI drivers do not clear bus mastering at the exit",
    35: "U-Boot runs with interrupts off",
    36: "its stack lies at the end of relocated memory, with 52 KiB below it",
    37: "U-Boot leaves SSE off (CR4.OSFXSR), which UEFI asks for",
    42: "one identity map, all of it writable and executable",
    43: "PE sections' rights are not applied",
    44: "no EFI_MEMORY_ATTRIBUTE_PROTOCOL",
    46: "page 0 is mapped like everything",
    50: "QEMU's tables have an RSDP of revision 0, handed on by the GUID of ACPI 2.0",
    51: "with revision 0 there is no XSDT",
    53: "ACPI tables lie in what the map calls BootServicesCode: an operating system frees them",
    64: "SetVirtualAddressMap runs into boot-services code: efi_runtime_relocate() is not in runtime memory",
    71: "this build has no driver for the machine's VGA",
    74: "no EFI_RNG_PROTOCOL on x86",
}

# Findings that depend on when the exit happens to come.
SOMETIMES = {
    "OVMF secboot": {9: "where an allocation of SMM's splits a range the map is out of order"},
}

FIRMWARE = {
    "OVMF 2M": OVMF,
    "OVMF 4M": OVMF,
    "OVMF secboot": OVMF,
    "U-Boot": U_BOOT,
}

# What no record of this firmware tells, and why.
NOT_KNOWN = {
    "U-Boot": {65: "GetTime answers EFI_UNSUPPORTED after the exit"},
}
