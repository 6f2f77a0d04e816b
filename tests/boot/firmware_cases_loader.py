"""Cases of the ill-behaved firmware that the loader, or the kernel's first steps, have to answer."""
from firmware_case import boots


def exit_cases():
    return [
        boots("nothing wrong", []),
        *(boots(f"stale map keys: {count}", [f"exit-stale {count}"]) for count in (1, 3, 15)),
        boots("a map that grows by 30 each time", ["map-grow 2 30 30"]),
    ]


def cases():
    return exit_cases()
