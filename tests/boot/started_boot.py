#!/usr/bin/python3
"""What scripts/boot hands over to, with its options, on a machine whose firmware has started already
(started_firmware.py)."""
import sys

import harness

from baton import boot, machine

if __name__ == "__main__":
    machine.Machine = harness.Machine
    sys.exit(boot.main())
