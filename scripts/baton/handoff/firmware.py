"""Boots a firmware and takes the record of its handoff out of the guest."""

from .. import machine, project

# What comes with the record is one command's output, byte for byte, whatever firmware it is.
COMMAND = ["cat", "/sys/firmware/handoff/record"]
TIMEOUT = 55.0  # seconds; --timeout says otherwise


class NotRecorded(Exception):
    """The machine gave no record; `status` is what scripts/boot would return."""

    def __init__(self, status, cause):
        super().__init__(cause)
        self.status = status


def record(options):
    """The record's bytes of one boot with these options of a machine."""
    options.append = f"audit virtualmap {options.append}".strip()
    options.timeout = options.timeout or TIMEOUT
    options.screen = True  # a firmware without one has less to hand over
    with machine.Machine(options, COMMAND, input=0) as running:
        status = running.run()
        if status == 0:
            return bytes(running.output.data)
        message = running.error.data.decode("utf-8", "replace").strip()
        cause = running.cause or message or f"the command that reads it ended with {status}"
        raise NotRecorded(status if status in (machine.TIMEOUT, machine.PANIC) else machine.LOST,
                          "\n    ".join([f"no record: {cause}", *running.log.tail()]))


def record_to(path, options):
    content = record(options)
    try:
        with open(path, "wb") as file:
            file.write(content)
    except OSError as error:
        raise project.Failure(f"{path}: {error.strerror}") from error
