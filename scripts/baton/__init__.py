"""What boot, test, image and debug share: Python's standard library and nothing else."""
