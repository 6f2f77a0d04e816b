/* memory_seals: what the seals of a memfd promise to who received it (memfd_create(2), fcntl(2)).
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/falloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "races.h"

enum { SIZE = 4096 };

#define RW (PROT_READ | PROT_WRITE)

static int sealable(void)
{
    int file = memfd_create("sealed", MFD_ALLOW_SEALING);

    if (file < 0 || ftruncate(file, SIZE))
        tap_note("memfd_create: errno %d", errno);
    return file;
}

static void *map(int file, int protection)
{
    return mmap(NULL, SIZE, protection, MAP_SHARED, file, 0);
}

static void mapped(void)
{
    int file = sealable();
    void *memory = map(file, PROT_READ);

    tap_ok(fcntl(file, F_ADD_SEALS, F_SEAL_WRITE) == -1 && errno == EBUSY,
           "F_SEAL_WRITE: not while a mapping may be made writable [fcntl(2)]");
    tap_ok(mprotect(memory, SIZE, RW) == 0, "…as it may [mprotect(2)]");
    munmap(memory, SIZE);
    tap_ok(fcntl(file, F_ADD_SEALS, F_SEAL_WRITE) == 0, "…but when it is gone [fcntl(2)]");
    tap_ok(map(file, RW) == MAP_FAILED && errno == EPERM, "…none is made any more [mmap(2)]");
    close(file);
}

static void future(void)
{
    int file = sealable();
    char *memory = map(file, RW);

    memory[0] = 'x';
    tap_ok(fcntl(file, F_ADD_SEALS, F_SEAL_FUTURE_WRITE) == 0,
           "F_SEAL_FUTURE_WRITE: also while it is mapped [fcntl(2)]");
    tap_ok(fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, SIZE) == -1 &&
               errno == EPERM,
           "…no hole is made [fallocate(2)]");
    tap_ok(madvise(memory, SIZE, MADV_REMOVE) == -1 && errno == EPERM && memory[0] == 'x',
           "…nor by who has it mapped [madvise(2)]");
    memory[0] = 'y';
    tap_ok(memory[0] == 'y', "…who goes on writing [memfd_create(2)]");
    munmap(memory, SIZE);
    close(file);
}

/* ---- one maps while the other seals ---- */

static struct round {
    int file;
    int arrived; /* atomic */
    void *memory;
} round_now;

static void meet(void)
{
    __atomic_fetch_add(&round_now.arrived, 1, __ATOMIC_SEQ_CST);
    while (__atomic_load_n(&round_now.arrived, __ATOMIC_SEQ_CST) < 2)
        ;
}

static void *maps(void *nothing)
{
    meet();
    round_now.memory = map(round_now.file, RW);
    return nothing;
}

static void map_while_it_is_sealed(void)
{
    struct race race = race_begin(300);
    int zero = open("/dev/zero", O_RDONLY), written = 0, sealed = 0;

    while (race_goes_on(&race)) {
        pthread_t mapper;
        round_now = (struct round){.file = sealable()};
        pthread_create(&mapper, NULL, maps, NULL);
        meet();
        bool seal = fcntl(round_now.file, F_ADD_SEALS, F_SEAL_WRITE) == 0;
        pthread_join(mapper, NULL);
        sealed += seal;
        if (round_now.memory != MAP_FAILED) {
            written += seal && read(zero, round_now.memory, 1) == 1;
            munmap(round_now.memory, SIZE);
        }
        close(round_now.file);
    }
    close(zero);
    tap_ok(written == 0,
           "what is sealed is not written, though somebody maps it at once [fcntl(2)]");
    tap_note("%d of %u were sealed, %d written", sealed, race.round, written);
}

int main(void)
{
    mapped();
    future();
    map_while_it_is_sealed();
    return tap_done();
}
