"""Cases of the ill-behaved firmware that the kernel has to answer: processors, runtime services."""


def cases():
    return []
