/* socket_files.h: sending open files in messages (unix(7), SCM_RIGHTS). */
#ifndef BATON_TESTS_SOCKET_FILES_H
#define BATON_TESTS_SOCKET_FILES_H

#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

union control {
    char bytes[CMSG_SPACE(300 * sizeof(int)) + CMSG_SPACE(sizeof(struct ucred))];
    struct cmsghdr align;
};

/* With a byte of data: 1, or -1. At most 300. */
static inline ssize_t send_files(int socket, const int *files, int count)
{
    union control control = {{0}};
    struct iovec vector = {(char *)"f", 1};
    struct msghdr message = {.msg_iov = &vector,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = CMSG_SPACE(count * sizeof(int))};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);

    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(count * sizeof(int));
    memcpy(CMSG_DATA(header), files, count * sizeof(int));
    return syscall(SYS_sendmsg, socket, &message, 0); /* musl has a limit of its own */
}

#endif
