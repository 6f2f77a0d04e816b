#!/usr/bin/env python3
"""image.py OUTPUT.c VDSO.so: makes a C array of the vDSO, for the kernel to keep."""

import sys


def main():
    output, source = sys.argv[1:]
    with open(source, "rb") as file:
        image = file.read()
    with open(output, "w", encoding="ascii") as file:
        file.write('#include "process/vdso/vdso.h"\n\n')
        file.write(f"const size_t vdso_image_size = {len(image)};\n")
        file.write("const unsigned char vdso_image[] = {\n")
        for start in range(0, len(image), 16):
            file.write("    " + " ".join(f"{byte}," for byte in image[start:start + 16]) + "\n")
        file.write("};\n")


if __name__ == "__main__":
    main()
