/*
 * control.h: the frames between init and the host's scripts/boot on COM4 (/dev/ttyS3).
 *
 * A frame is the two bytes CONTROL_SYNC, a type byte, the payload's length (32 bits, little-endian)
 * and the payload; numbers in a payload are little-endian too. Whatever does not look like a frame
 * is skipped up to the next sync bytes, so that a program that writes to the port breaks nothing.
 * scripts/baton/control.py is the other end; userspace/README.md tells the whole protocol.
 */
#ifndef BATON_CONTROL_H
#define BATON_CONTROL_H

#include <stdint.h>

#define CONTROL_SYNC_0      0xba
#define CONTROL_SYNC_1      0x70
#define CONTROL_HEADER_SIZE 7
#define CONTROL_PAYLOAD_MAX 4096

/* Bytes of standard input the host may send beyond what ACKNOWLEDGED counted. Smaller than any
 * kernel's terminal buffer (N_TTY_BUF_SIZE is 4096), so that no byte is ever dropped. */
#define CONTROL_WINDOW 2048

/* From init to the host. */
#define CONTROL_READY        'R' /* uint32 window: the ports are open, the command starts */
#define CONTROL_ACKNOWLEDGED 'A' /* uint64 count: bytes of standard input taken in all */
#define CONTROL_ERROR_BYTES  'E' /* what the command wrote to standard error */
#define CONTROL_EXIT         'X' /* see below */
/* The payload of CONTROL_EXIT: uint32 signal (0: none), uint32 status, uint64 count of bytes sent
   on COM3 in all, or CONTROL_UNCOUNTED. */

/* From the host to init. */
#define CONTROL_INPUT_END   'I' /* uint64 count: standard input ends after that many bytes in all */
#define CONTROL_WINDOW_SIZE 'W' /* uint16 rows, uint16 columns of the host's terminal */
#define CONTROL_SIGNAL      'S' /* uint32 number: send it to the command's process group */

/* In terminal mode the command writes to the port itself, and init cannot count. */
#define CONTROL_UNCOUNTED UINT64_MAX

#endif
