/*
 * fuse_lies: a server that says what makes no sense: errors that mean something else in a kernel,
 * directories within themselves, one number for all files, replies of the wrong length. Whoever
 * asks gets an error, and nobody waits for ever.
 */
#define _GNU_SOURCE
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "proc_baton.h"
#include "storage/fuse_server.h"

/* Shared with the server, which is made before the client. */
static volatile struct {
    int error, count;
} * told;

/* ---- errors ---- */

static bool reads_fail(int device)
{
    if (request.head.opcode != FUSE_READ)
        return false;
    told->count++;
    answer(device, told->error, NULL, 0);
    return true;
}

/* Each of them is a mark somewhere in a kernel; of a server it is an error as any other. */
static const int marks[] = {EAGAIN, EINTR, EEXIST, ENOENT, ENOSPC, ERANGE, ESTALE, EIO, ENODATA};
#define MARKS (sizeof(marks) / sizeof(marks[0]))

static bool errors_come_through(void)
{
    char byte;
    int file = open(PLACE "/file", O_RDONLY);

    REQUIRE(file >= 0);
    for (size_t i = 0; i < MARKS; i++) {
        told->error = marks[i];
        tap_note("error %d", marks[i]);
        REQUIRE_ERRNO(pread(file, &byte, 1, 4096 * (off_t)i), marks[i]);
    }
    return true;
}

static bool read_errors(void)
{
    return with_server(reads_fail, errors_come_through);
}

static bool faults_end(void)
{
    int file = open(PLACE "/file", O_RDONLY);
    char *map = mmap(NULL, FILE_SIZE, PROT_READ, MAP_PRIVATE, file, 0);

    REQUIRE(map != MAP_FAILED);
    for (size_t i = 0; i < MARKS; i++) {
        told->error = marks[i];
        told->count = 0;
        int signal = signal_of_touch(map + 4096 * i, false);
        tap_note("error %d: signal %d, asked %d times", marks[i], signal, told->count);
        REQUIRE(signal == SIGBUS && told->count <= 4);
    }
    return true;
}

static bool fault_errors(void)
{
    return with_server(reads_fail, faults_end);
}

static bool copies_end(void)
{
    int file = open(PLACE "/file", O_RDONLY), ends[2];
    char *map = mmap(NULL, FILE_SIZE, PROT_READ, MAP_PRIVATE, file, 0);

    REQUIRE(map != MAP_FAILED && pipe(ends) == 0);
    for (size_t i = 0; i < MARKS; i++) {
        told->error = marks[i];
        REQUIRE_ERRNO(write(ends[1], map + 4096 * i, 1), EFAULT);
    }
    return true;
}

static bool copy_errors(void)
{
    return with_server(reads_fail, copies_end);
}

static bool no_memory_kills_nobody(void)
{
    int file = open(PLACE "/file", O_RDONLY), ends[2];
    char *map = mmap(NULL, FILE_SIZE, PROT_READ, MAP_PRIVATE, file, 0);
    char byte;

    REQUIRE(map != MAP_FAILED && pipe(ends) == 0);
    told->error = ENOMEM;
    REQUIRE_ERRNO(pread(file, &byte, 1, 0), ENOMEM);
    REQUIRE_ERRNO(write(ends[1], map, 1), EFAULT);
    return true;
}

static bool memory_errors(void)
{
    return with_server(reads_fail, no_memory_kills_nobody);
}

/* ---- an ioctl(2) that answers with a number of its own ---- */

static bool ioctl_result(int device)
{
    struct fuse_ioctl_out out = {.result = told->error};

    if (request.head.opcode != FUSE_IOCTL)
        return false;
    told->count++;
    answer(device, 0, &out, sizeof(out));
    return true;
}

/* ERESTARTSYS and its kin are for nobody but the kernel. Linux hands them on. */
static bool ioctl_answers(void)
{
    int file = open(PLACE "/file", O_RDONLY);

    REQUIRE(file >= 0);
    told->error = 7;
    REQUIRE(ioctl(file, _IO('x', 1)) == 7);
    told->error = -EXDEV;
    REQUIRE_ERRNO(ioctl(file, _IO('x', 1)), EXDEV);
    for (int code = 512; baton_is_here() && code <= 530; code++) {
        told->error = -code;
        told->count = 0;
        long result = syscall(SYS_ioctl, file, _IO('x', 1));
        if (result != -1 || errno != EIO || told->count != 1)
            tap_note("%d gave %ld, errno %d, asked %d times", -code, result, errno, told->count);
        REQUIRE(told->count == 1 && result == -1 && errno == EIO);
    }
    return true;
}

static bool ioctl_codes(void)
{
    return with_server(ioctl_result, ioctl_answers);
}

/* ---- directories within themselves ---- */

/* `sub` is found in `sub` too, and is the same. */
static bool loops(int device)
{
    const char *name = REQUEST_BODY;

    if (request.head.opcode == FUSE_LOOKUP && !strcmp(name, "root")) {
        answer_entry(device, NODE_ROOT, S_IFDIR | 0755);
        return true;
    }
    if (request.head.opcode == FUSE_LOOKUP && request.head.nodeid == NODE_SUB) {
        answer_entry(device, NODE_SUB, S_IFDIR | 0755);
        return true;
    }
    if (request.head.opcode == FUSE_RMDIR || request.head.opcode == FUSE_RENAME ||
        request.head.opcode == FUSE_RENAME2 || request.head.opcode == FUSE_UNLINK) {
        answer(device, 0, NULL, 0);
        return true;
    }
    return false;
}

static bool loops_are_refused(void)
{
    struct stat status;

    REQUIRE(stat(PLACE "/sub", &status) == 0);
    REQUIRE_ERRNO(stat(PLACE "/root", &status), EIO);
    REQUIRE_ERRNO(stat(PLACE "/sub/sub", &status), ELOOP);
    REQUIRE_ERRNO(rmdir(PLACE "/sub/sub"), ELOOP);
    REQUIRE_ERRNO(rename(PLACE "/sub/a", PLACE "/sub/b"), ELOOP);
    REQUIRE_ERRNO(rename(PLACE "/sub/a/b", PLACE "/sub/c"), ELOOP);
    REQUIRE_ERRNO(mkdir(PLACE "/sub/c", 0700), ELOOP);
    REQUIRE_ERRNO(open(PLACE "/sub/c/d", O_CREAT | O_RDWR, 0600), ELOOP);
    return true;
}

static bool directory_loops(void)
{
    return with_server(loops, loops_are_refused);
}

/* ---- one directory by two names ---- */

static bool twins(int device)
{
    const char *name = REQUEST_BODY;

    if (request.head.opcode == FUSE_LOOKUP && request.head.nodeid == NODE_ROOT &&
        (name[0] == 'a' || name[0] == 'b')) {
        answer_entry(device, NODE_SUB, S_IFDIR | 0755);
        return true;
    }
    if (request.head.opcode == FUSE_LOOKUP && request.head.nodeid == NODE_SUB) {
        answer_entry(device, NODE_FILE, S_IFREG | 0755);
        return true;
    }
    if (request.head.opcode == FUSE_RENAME || request.head.opcode == FUSE_RENAME2) {
        told->count++;
        answer(device, 0, NULL, 0);
        return true;
    }
    return false;
}

static bool twins_are_renamed(void)
{
    /* Whatever it gives, it gives it. */
    rename(PLACE "/a/x", PLACE "/b/y");
    rename(PLACE "/a", PLACE "/b/y");
    rename(PLACE "/a", PLACE "/b");
    rename(PLACE "/a/x", PLACE "/a/y");
    rmdir(PLACE "/a");
    return true;
}

static bool directory_twins(void)
{
    return with_server(twins, twins_are_renamed);
}

/* ---- one inode number for all ---- */

static bool one_number(int device)
{
    const char *name = REQUEST_BODY;

    if (request.head.opcode == FUSE_LOOKUP) {
        struct fuse_entry_out entry = {.nodeid = NODE_MORE + (uint64_t)name[0],
                                       .attr = attributes_of(1, S_IFREG | 0644)};
        answer(device, 0, &entry, sizeof(entry));
        return true;
    }
    if (request.head.opcode == FUSE_RENAME || request.head.opcode == FUSE_RENAME2) {
        told->count++;
        answer(device, 0, NULL, 0);
        return true;
    }
    return false;
}

static bool renames_are_asked(void)
{
    told->count = 0;
    REQUIRE(rename(PLACE "/a", PLACE "/b") == 0);
    REQUIRE(told->count == 1);
    return true;
}

static bool equal_numbers(void)
{
    return with_server(one_number, renames_are_asked);
}

/* ---- replies of the wrong length, sizes that change ---- */

static void answer_or_not(int device, size_t size)
{
    static const char much[8192];
    struct fuse_out_header head = {.len = (uint32_t)(sizeof(head) + size),
                                   .unique = request.head.unique};
    struct iovec pieces[2] = {{&head, sizeof(head)}, {(void *)much, size}};

    if (writev(device, pieces, 2) < 0 && errno != EINVAL)
        _exit(93);
}

static bool wrong_length(int device)
{
    if (request.head.opcode != FUSE_GETATTR)
        return false;
    answer_or_not(device, (size_t)told->error);
    return true;
}

static bool wrong_length_is_an_error(void)
{
    struct stat status;

    for (int size = 0; size <= 256; size += 8) {
        told->error = size;
        if (size == sizeof(struct fuse_attr_out))
            continue;
        REQUIRE_ERRNO(stat(PLACE "/file", &status), EIO);
    }
    return true;
}

static bool lengths(void)
{
    return with_server(wrong_length, wrong_length_is_an_error);
}

static bool odd_write(int device)
{
    if (request.head.opcode != FUSE_WRITE)
        return false;
    answer(device, 0, &(struct fuse_write_out){.size = (uint32_t)told->error}, 8);
    return true;
}

static bool writes_of_odd_size(void)
{
    char bytes[16] = "";
    int file = open(PLACE "/file", O_RDWR);

    REQUIRE(file >= 0);
    told->error = 17;
    REQUIRE_ERRNO(pwrite(file, bytes, 16, 0), EIO);
    told->error = -1;
    REQUIRE_ERRNO(pwrite(file, bytes, 16, 0), EIO);
    told->error = 5;
    REQUIRE(pwrite(file, bytes, 16, 0) == 5);
    return true;
}

static bool write_sizes(void)
{
    return with_server(odd_write, writes_of_odd_size);
}

/* ---- a file that has changed whenever it was read ---- */

static bool reads_are_stale(int device)
{
    const struct {
        struct fuse_out_header head;
        struct fuse_notify_inval_inode_out what;
    } notice = {{.len = sizeof(notice), .error = FUSE_NOTIFY_INVAL_INODE}, {.ino = NODE_FILE}};

    if (request.head.opcode != FUSE_READ || !told->count)
        return false;
    told->count--;
    if (write(device, &notice, sizeof(notice)) < 0)
        _exit(94);
    return false;
}

static bool stale_file_is_read(void)
{
    char byte = 0;
    int file = open(PLACE "/file", O_RDONLY);
    char *map = mmap(NULL, FILE_SIZE, PROT_READ, MAP_PRIVATE, file, 0);

    REQUIRE(map != MAP_FAILED);
    told->count = 6;
    REQUIRE(signal_of_touch(map + FILE_SIZE / 2, false) == 0 && !told->count);
    told->count = 6;
    REQUIRE(pread(file, &byte, 1, 0) == 1 && byte == 'x' && !told->count);
    return true;
}

/* On Linux the notice waits for the page that is being read, so that both stand still. */
static bool stale_reads(void)
{
    return !baton_is_here() || with_server(reads_are_stale, stale_file_is_read);
}

/* ---- names ---- */

static bool odd_names(int device)
{
    static const char *const names[] = {"a/b", "/", "", "..", "."};
    struct fuse_dirent head = {.ino = 9, .off = 1, .type = 8};
    char bytes[64] = "";

    if (request.head.opcode != FUSE_READDIR)
        return false;
    const struct fuse_read_in *in = REQUEST_BODY;
    if (in->offset) {
        answer(device, 0, NULL, 0);
        return true;
    }
    const char *name = names[told->error];
    head.namelen = (uint32_t)strlen(name);
    memcpy(bytes, &head, FUSE_NAME_OFFSET);
    memcpy(bytes + FUSE_NAME_OFFSET, name, head.namelen);
    answer(device, 0, bytes, FUSE_DIRENT_ALIGN(FUSE_NAME_OFFSET + head.namelen));
    return true;
}

static bool odd_names_are_refused(void)
{
    char list[512];

    for (told->error = 0; told->error < 5; told->error++) {
        int directory = open(PLACE, O_RDONLY | O_DIRECTORY);
        errno = 0;
        long size = syscall(SYS_getdents64, directory, list, sizeof(list));
        tap_note("name %d: %ld, errno %d", told->error, size, errno);
        REQUIRE(told->error < 3 ? size == -1 && errno == EIO : size > 0);
        close(directory);
    }
    return true;
}

static bool directory_names(void)
{
    return with_server(odd_names, odd_names_are_refused);
}

/* ---- kinds that change ---- */

static bool other_kinds(int device)
{
    static const uint32_t kinds[] = {S_IFREG, S_IFDIR, S_IFIFO, S_IFSOCK, S_IFLNK};
    static unsigned turn;

    if (request.head.opcode == FUSE_LOOKUP && request.head.nodeid == NODE_ROOT) {
        answer_entry(device, NODE_FILE, kinds[turn++ % 5] | 0666);
        return true;
    }
    if (request.head.opcode == FUSE_READLINK) {
        answer(device, 0, "/nowhere", 8);
        return true;
    }
    return false;
}

static bool kinds_change(void)
{
    struct stat status;
    char bytes[16];

    for (int i = 0; i < 40; i++) {
        stat(PLACE "/file", &status);
        int file = open(PLACE "/file", O_RDWR | O_NONBLOCK);
        if (file >= 0) {
            ssize_t size = write(file, "x", 1);
            size += read(file, bytes, sizeof(bytes));
            size += fstat(file, &status);
            (void)size;
            close(file);
        }
        file = open(PLACE "/file", O_RDONLY | O_DIRECTORY);
        rename(PLACE "/file", PLACE "/other");
        rmdir(PLACE "/file");
        unlink(PLACE "/file");
        close(file);
    }
    return true;
}

static bool kinds(void)
{
    return with_server(other_kinds, kinds_change);
}

/* ---- what is written through a mapping ---- */

static bool counts_writes(int device)
{
    const struct fuse_write_in *in = REQUEST_BODY;
    const char *bytes = (const char *)(in + 1);

    (void)device;
    if (request.head.opcode != FUSE_WRITE)
        return false;
    for (uint32_t at = 0; at < in->size; at += 4096)
        told->count += bytes[at] == 'y';
    return false;
}

static void write_all(bool kills)
{
    int file = open(PLACE "/file", O_RDWR);
    char *map = mmap(NULL, FILE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);

    if (map == MAP_FAILED)
        _exit(1);
    for (int at = 0; at < FILE_SIZE; at += 4096)
        map[at] = 'y';
    if (kills)
        raise(SIGKILL);
    exit(0);
}

/* It does not go with who wrote it. */
static bool all_is_written(bool kills)
{
    told->count = 0;
    pid_t child = fork();
    if (child == 0)
        write_all(kills);
    REQUIRE(child > 0 && status_of(child) == (kills ? SIGKILL : 0));
    REQUIRE(EVENTUALLY(told->count == FILE_SIZE / 4096));
    return true;
}

static bool exits_after_writing(void)
{
    return all_is_written(false);
}

static bool is_killed_after_writing(void)
{
    return all_is_written(true);
}

static bool written_before_exit(void)
{
    return with_server(counts_writes, exits_after_writing);
}

static bool written_before_kill(void)
{
    return with_server(counts_writes, is_killed_after_writing);
}

static const struct test_case cases[] = {
    {"an error of a server's is told as it is", "read(2)", read_errors},
    {"…and ends a touch of the file's memory", "mmap(2)", fault_errors},
    {"…and a copy from there", "write(2)", copy_errors},
    {"no memory at the server's is the server's", "read(2)", memory_errors},
    {"ioctl: no code of the kernel's own", "ioctl(2)", ioctl_codes},
    {"a directory within itself", "path_resolution(7)", directory_loops},
    {"a directory by two names", "rename(2)", directory_twins},
    {"one number for all files", "rename(2)", equal_numbers},
    {"replies of the wrong length", "fuse(4)", lengths},
    {"writes of more than was written", "write(2)", write_sizes},
    {"a file that has changed whenever it was read", "read(2)", stale_reads},
    {"names that are none", "readdir(3)", directory_names},
    {"what was written to a mapping outlives the program", "mmap(2)", written_before_exit},
    {"…also one that is killed", "mmap(2)", written_before_kill},
    {"a file that is of another kind each time", "inode(7)", kinds},
};

int main(void)
{
    if (!fuse_is_there()) {
        tap_plan(1);
        tap_ok(true, "FUSE # SKIP there is none");
        return 0;
    }
    told = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return run_cases(cases, sizeof(cases) / sizeof(cases[0]));
}
