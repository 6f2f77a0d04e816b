/* unpacker_file.S: the unpacker's file as it was linked; the build says where it lies. */
    .section .rdata, "dr"
    .global unpacker_file, unpacker_file_end
    .balign 16
unpacker_file:
    .incbin UNPACKER_FILE
unpacker_file_end:
