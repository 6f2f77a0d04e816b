"""Cases of the ill-behaved firmware: in what state it leaves processor, devices and memory when boot
services end."""
from firmware_case import boots, halts
from firmware_cases_kernel import RUNS, entry_with

LOCAL_APIC_BASE = 0x1b  # the model-specific register


def processor_cases():
    rubbish = [f"exit-msr {number:#x} {value:#x}" for number, value in (
        (0xc0000081, 0xffffffffffffffff), (0xc0000082, 0x1234), (0xc0000084, 0xffffffff), (0x174, 0x1234),
        (0xc0000102, 0x1234), (0xc0000100, 0x1234), (0xc0000101, 0x1234))]
    yield boots("left: the direction flag, alignment checks, NT and IOPL 3", ["exit-flags 0x47400"])
    yield boots("left: caches off", ["exit-control 0 0x40000000"])
    yield boots("left: an emulated FPU", ["exit-control 0 0xc"])
    yield boots("left: SMEP, SMAP, UMIP, FSGSBASE, PGE and protection keys", ["exit-control 4 0x710880"])
    yield boots("left: time stamps for ring 0 only", ["exit-control 4 0xc"])
    yield boots("left: a breakpoint in the kernel", ["exit-breakpoints 0xffffffff80000000",
                                                     entry_with("nokaslr")])
    yield boots("left: every page attribute uncached", ["exit-msr 0x277 0"])
    yield boots("left: MTRRs off", ["exit-msr 0x2ff 0"])
    yield boots("left: MTRRs that say write-protected", ["exit-msr 0x2ff 0xc05"])
    yield boots("left: rubbish in the registers of system calls", rubbish)
    for count in (1, 2, 4):
        yield boots(f"left: five levels of page tables, {count} processors", ["exit-five-levels"],
                    "paging of 5 levels", cpu="max,la57=on", smp=count,
                    typed=(("nproc", rf"{count}\s"), RUNS))
    # QEMU forgets that there was one for good: a machine of its own.
    yield halts("left: the local APIC off", [f"exit-msr {LOCAL_APIC_BASE:#x} 0xfee00100"], "local APIC",
                memory="320M")
    # QEMU moves none.
    yield boots("left: the local APIC elsewhere", [f"exit-msr {LOCAL_APIC_BASE:#x} 0xfed90900"],
                "no local APIC answers at 0xfed90000", memory="330M")


def interrupt_cases():
    yield boots("left: the local APIC's timer running, interrupts on",
                ["exit-apic 0x3e0 0xb", "exit-apic 0x320 0x20030", "exit-apic 0x380 10000000",
                 "exit-interrupts"])
    yield boots("left: the local APIC's inputs as NMIs", ["exit-apic 0x350 0x400", "exit-apic 0x360 0x400"])
    yield boots("left: a local APIC that hears nothing", ["exit-apic 0xf0 0xff", "exit-apic 0x80 0xff"])
    yield boots("left: an open I/O APIC", ["exit-write 0xfec00000 0x12", "exit-write 0xfec00010 0x8030",
                                           "exit-write 0xfec00000 0x14", "exit-write 0xfec00010 0x831"])
    yield boots("left: open 8259s", ["exit-port 0x21 0", "exit-port 0xa1 0"])
    yield boots("left: 8259s half initialized", ["exit-port 0x20 0x11", "exit-port 0xa0 0x11"])
    yield boots("left: a fast 8254, and open 8259s", ["exit-port 0x43 0x34", "exit-port 0x40 20",
                                                      "exit-port 0x40 0", "exit-port 0x21 0"])
    yield boots("left: an 8254 half programmed", ["exit-port 0x43 0x34", "exit-port 0x40 20"])
    yield boots("left: the HPET in the 8254's place", ["exit-write 0xfed00100 0x4c",
                                                       "exit-write 0xfed00108 1000",
                                                       "exit-write 0xfed00010 3"])
    yield boots("left: an HPET that is about to turn over",
                ["exit-write 0xfed00010 0", "exit-write 0xfed000f0 0xfffffff0",
                 "exit-write 0xfed000f4 0xffffffff"])
    yield boots("left: a clock that interrupts 8192 times a second",
                ["exit-port 0x70 0x0a", "exit-port 0x71 0x23", "exit-port 0x70 0x0b", "exit-port 0x71 0x72"])
    yield boots("left: NMIs off", ["exit-port 0x70 0xff"])


def device_cases():
    yield boots("left: COM1 in loopback", ["exit-port 0x3fc 0x1f"])
    yield boots("left: COM1 with its divisor shown", ["exit-port 0x3fb 0x80"])
    yield boots("left: COM1 at 50 baud with five bits, sending a break",
                ["exit-port 0x3fb 0xc0", "exit-port 0x3f8 0", "exit-port 0x3f9 9", "exit-port 0x3fb 0x40",
                 "exit-port 0x3f9 0xf"])
    yield boots("left: the keyboard off, its buffer full",
                ["exit-port 0x64 0xad", "exit-port 0x64 0xd2", "exit-port 0x60 0xfa"])
    yield boots("left: a keyboard controller that waits for a parameter", ["exit-port 0x64 0xd4"])


def end_cases():
    """How boot services end, and what is left of their memory."""
    yield boots("left: an exit that warns", ["exit-answers 1"])
    yield halts("left: an exit that fails, having worked", ["exit-answers 0x8000000000000007"],
                "device error",
                "power button")
    yield boots("left: an exit of three seconds", ["exit-slow 3000"])
    yield boots("left: boot services' memory filled with 0xcc", ["exit-poison 0xcc"])
    yield boots("left: boot services' memory filled with zeros", ["exit-poison 0"])


def cases():
    return [case for table in (processor_cases, interrupt_cases, device_cases, end_cases) for case in table()]
