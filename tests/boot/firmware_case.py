"""What a case of the ill-behaved firmware is (firmware.py)."""
import dataclasses


@dataclasses.dataclass
class Case:
    """`end`: "boots", "ends" (a command ends the machine, as `stops` says), "refuses" (the loader,
    with a way back) or "halts" (with a message); `words` are patterns that have to be found in what
    it says. `typed`: lines for the shell, each with a pattern for the answer. `machine`: what
    SnapshotMachine takes."""
    name: str
    orders: list
    end: str
    words: list = ()
    typed: list = (("exec_basic", "EXEC_OK"),)
    machine: dict = dataclasses.field(default_factory=dict)
    restart: str = None  # of one that halts: by "keys" or "button"
    stops: str = None  # of one that ends: QEMU's reason


def boots(name, orders, *words, typed=(("exec_basic", "EXEC_OK"),), **machine):
    return Case(name, orders, "boots", words, typed, machine)


def starts_anew(name, orders, *words, **machine):
    return Case(name, orders, "ends", words, (("reboot -f", ""),), machine, stops="guest-reset")


def powers_off(name, orders, *words, **machine):
    return Case(name, orders, "ends", words, (("poweroff -f", ""),), machine, stops="guest-shutdown")


def refuses(name, orders, *words, **machine):
    return Case(name, orders, "refuses", words, (), machine)


def halts(name, orders, *words, restart=None, **machine):
    return Case(name, orders, "halts", words, (), machine, restart)
