"""The host's terminal while the guest has it."""
import contextlib
import os
import termios
import tty


def size():
    """(rows, columns) of the terminal on standard input."""
    columns, rows = os.get_terminal_size(0)
    return rows, columns


@contextlib.contextmanager
def raw():
    """Passes every key on as it is, and puts the terminal back afterwards."""
    before = termios.tcgetattr(0)
    tty.setraw(0)
    try:
        yield
    finally:
        termios.tcsetattr(0, termios.TCSADRAIN, before)
