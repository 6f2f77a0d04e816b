/*
 * address_space.h: what a program sees: regions, and the page tables that cache
 * what they say. Built aside by exec and fork, then given to a thread.
 */
#ifndef BATON_MEMORY_ADDRESS_SPACE_H
#define BATON_MEMORY_ADDRESS_SPACE_H

#include <bsd/sys/tree.h>

#include "cpu/cpu_set.h"
#include "memory/page_cache.h"
#include "memory/user_copy.h"

/* Region flags beside the PROT_* of <asm/mman.h>. */
enum {
    REGION_READ = 1,    /* = PROT_READ */
    REGION_WRITE = 2,   /* = PROT_WRITE */
    REGION_EXECUTE = 4, /* = PROT_EXEC */
    REGION_SHARED = 8,  /* MAP_SHARED */
    REGION_STACK = 16,  /* grows down */
    REGION_HEAP = 32,   /* brk */
    REGION_DONT_FORK = 64,
    REGION_WIPE_ON_FORK = 128,
    REGION_LOCKED = 256,
    REGION_MAY_WRITE = 512,   /* mprotect may add PROT_WRITE (a shared mapping of a file opened to
                                 write) */
    REGION_KERNEL = 1024,     /* maps a page of the kernel's: read, and nothing else, for good */
    REGION_NO_RESERVE = 2048, /* MAP_NORESERVE */
    REGION_NO_EXECUTE = 4096, /* mprotect may not add PROT_EXEC (a file of a noexec mount) */
};
#define REGION_PROTECTION (REGION_READ | REGION_WRITE | REGION_EXECUTE)

/*
 * What a region maps, other than private anonymous memory. Reference-counted
 * by whoever made it (a file's inode, shared anonymous memory): the memory
 * room takes and drops references through the functions and knows no more.
 */
struct memory_object {
    struct page_cache *cache;
    void (*reference)(struct memory_object *object);
    void (*release)(struct memory_object *object); /* may sleep */
    /* For /proc/PID/maps: writes the path (NUL-terminated) into `buffer`. NULL: none. */
    void (*describe)(struct memory_object *object, char *buffer, size_t size);
    /* A program writes to it through a shared mapping (POSIX mmap: st_mtime, st_ctime); called at
       the first touch, under the space's mutex. NULL: nobody wants to know. */
    void (*written)(struct memory_object *object);
    /*
     * Of a cache that is backed: makes page `index` be there, and `write`: marked as dirty. Without
     * the space's mutex; waits for whoever has the contents. 0, -EINTR: a fatal signal came,
     * -ENOMEM, -ENOSPC, -EIO and others.
     */
    int (*fetch)(struct memory_object *object, uint64_t index, bool write);
    /* msync(2), of a cache that is backed: what programs wrote is where it stays. 0 or an error. */
    int (*synchronise)(struct memory_object *object);
    uint64_t device, inode; /* for /proc/PID/maps */
};

/* A page that a touch wants and that has to be fetched first. */
struct absent_page {
    struct memory_object *object; /* the region's: no reference */
    uint64_t index;
    bool write;
};

struct region {
    RB_ENTRY(region) link;          /* space's mutex */
    struct region *previous, *next; /* by address; space's mutex */
    uint64_t gap, largest_gap;      /* free bytes below it, the most below any in its subtree */
    LIST_ENTRY(region) cache_link;  /* cache's lock */
    uint64_t truncations_seen;      /* cache's lock */
    struct address_space *space;    /* constant */
    vaddr_t start, end;             /* page aligned; space's mutex */
    unsigned flags;                 /* REGION_*; space's mutex */
    struct memory_object *object;   /* NULL: private anonymous; a reference is held */
    uint64_t offset;                /* in pages: what page of the object `start` is */
    vaddr_t file_end;               /* exec's segments: from here on zeros, not the file; 0: none */
};

RB_HEAD(region_tree, region);

/* Of one space: Linux's vm.max_map_count (proc(5)). */
extern uint32_t regions_maximum; /* atomic */

/* The lowest address a program may map (vm.mmap_min_addr), and what stays free below a stack. */
#define USER_START      0x10000UL
#define STACK_GUARD_GAP (256 * PAGE_SIZE)

struct address_space {
    uint32_t users;              /* threads that have it, and who prepares it; atomic */
    uint32_t observers;          /* and one more for all users; atomic */
    uint64_t number;             /* constant: no other space ever has the same */
    paddr_t root;                /* constant: its page-table root */
    struct mutex mutex;          /* guards regions and page tables */
    struct region_tree regions;  /* mutex */
    struct region *first, *last; /* by address; mutex */
    struct region *removed;      /* linked by `next`: see address_space_unlock(); mutex */
    struct region *recent;       /* what was looked for last, often what is next; NULL; mutex */
    /* Between this region and mmap_base no place of `gap_size` bytes is free; NULL: not known;
       mutex. */
    struct region *gap_above;
    size_t gap_size;
    uint64_t region_count; /* mutex */
    struct cpu_set cpus;   /* whose CR3 may hold `root`; atomic */
    uint64_t pages_mapped; /* resident pages; mutex; atomic to read */
    uint64_t pages_total;  /* pages in regions (RLIMIT_AS); mutex */
    /* The most that both were before they last fell; mutex; the first atomic to read. */
    uint64_t pages_mapped_most, pages_total_most;
    uint64_t pages_data;       /* private writable ones (RLIMIT_DATA); mutex */
    uint64_t pages_locked;     /* locked ones (RLIMIT_MEMLOCK); mutex */
    unsigned lock_future;      /* mlockall: REGION_LOCKED for what is mapped later, or 0; mutex */
    bool populate_future;      /* …and is there at once; mutex */
    uint64_t page_tables;      /* frames of page tables, with the root; mutex; atomic to read */
    struct absent_page absent; /* of the fault that said so last; mutex */
    bool has_elsewhere;        /* once there was a region of a file that lies elsewhere; mutex to
                                  write, atomic to read */

    /* Where things are; mutex to change. */
    vaddr_t mmap_base; /* mmap searches downwards from here */
    vaddr_t brk_start, brk;
    vaddr_t stack_start; /* the stack pointer of the first instruction */
    vaddr_t code_start, code_end, data_start, data_end;
    vaddr_t argument_start, argument_end, environment_start, environment_end;
    vaddr_t vdso;                     /* AT_SYSINFO_EHDR; the program may have unmapped it since */
    struct memory_object *executable; /* /proc/PID/exe; a reference is held */
    uint64_t auxiliary_vector[48];    /* as on the stack, AT_NULL at the end */
};

/* An empty one with one user; NULL: no memory. */
struct address_space *address_space_create(void);
/* One user less: the last one empties it, whoever still observes it. The root must not be in any
   CR3 any more. May sleep; no mutex held. */
void address_space_release(struct address_space *space);
static inline void address_space_reference(struct address_space *space)
{
    __atomic_fetch_add(&space->users, 1, __ATOMIC_RELAXED);
}
/*
 * Who only looks into a space (/proc, truncation) keeps it, not what is mapped in it: the end of
 * mappings, and so of files, belongs to the users. There must be a user, or another observer.
 */
static inline void address_space_observe(struct address_space *space)
{
    __atomic_fetch_add(&space->observers, 1, __ATOMIC_RELAXED);
}
/* Has its last user gone? Then what an observer found may be half of it, or nothing. */
static inline bool address_space_has_ended(const struct address_space *space)
{
    return __atomic_load_n(&space->users, __ATOMIC_ACQUIRE) == 0;
}
/* The last one frees what is left: the structure and an empty root. */
void address_space_unobserve(struct address_space *space);

/* Frees regions that are linked by `next`, with the references they hold. May sleep. */
void regions_release(struct region *first);

static inline void address_space_lock(struct address_space *space)
{
    mutex_acquire(&space->mutex);
}
/*
 * Releases the mutex, and only then the objects of regions that were removed under it: the end of
 * a file takes locks that come before the mutex.
 */
static inline void address_space_unlock(struct address_space *space)
{
    struct region *removed = space->removed;
    space->removed = NULL;
    mutex_release(&space->mutex);
    if (removed)
        regions_release(removed);
}
/* Makes the object of shared anonymous memory, with one reference; NULL: no memory. */
struct memory_object *shared_memory_create(uint64_t size);

/* A copy for fork: private pages are shared copy-on-write. NULL: no memory. May sleep. */
struct address_space *address_space_fork(struct address_space *space);

/*
 * Maps [start, start+size) (page aligned, inside user space), replacing what
 * is there if `replace`, else -EEXIST. `object` may be NULL: anonymous; a
 * reference is taken. 0, -ENOMEM, -EINVAL, -EEXIST. May sleep.
 */
int address_space_map(struct address_space *space, vaddr_t start, size_t size, unsigned flags,
                      struct memory_object *object, uint64_t page_offset, vaddr_t file_end,
                      bool replace);
/*
 * Pages that every program has, made once at boot, which never change place or go away: so
 * exec enters them as they are, without a look into a cache.
 */
#define CONSTANT_PAGES_MAXIMUM 4
struct constant_pages {
    struct memory_object object; /* the rest is constant after constant_pages_initialize() */
    struct page_cache cache;
    unsigned flags; /* of the regions that map them: REGION_* */
    size_t count;
    paddr_t frames[CONSTANT_PAGES_MAXIMUM];
};
/* Allocates them, with zeros; `flags` and object.describe are the caller's. 0 or -ENOMEM. */
int constant_pages_initialize(struct constant_pages *pages, size_t count);
static inline void *constant_page(const struct constant_pages *pages, size_t index)
{
    return frame_pointer(pages->frames[index]);
}

/*
 * For exec, which builds a space that nobody else uses yet.
 * adopt: `frame` (FRAME_ANONYMOUS, one reference, which passes to the space) becomes the page at
 * `page` of a private anonymous region; writable and present at once. 0 or -ENOMEM (the reference
 * stays the caller's).
 * map_ahead: maps the pages of files in [start, start+size) that are in their caches, but those
 * that may be written; the range lies within what one lowest table maps (LEAF_SPAN).
 * copy_ahead: makes the private copy that the first write to `address` would make.
 * Both so that a program's first instructions do not fault. 0 or -ENOMEM.
 */
int address_space_adopt(struct address_space *space, vaddr_t page, paddr_t frame);
/* map_constant: maps `many` of these one behind the other, from `start` on, above all that is in
   the space yet; present at once. 0, -ENOMEM, -EEXIST. */
int address_space_map_constant(struct address_space *space, vaddr_t start,
                               struct constant_pages *pages, size_t many);
int address_space_map_ahead(struct address_space *space, vaddr_t start, size_t size);
int address_space_copy_ahead(struct address_space *space, vaddr_t address);
int address_space_unmap(struct address_space *space, vaddr_t start, size_t size);
int address_space_protect(struct address_space *space, vaddr_t start, size_t size,
                          unsigned protection);
/* A free place of `size` bytes: at `hint` if that is free, else below mmap_base; 0: none.
   Space's mutex held. */
vaddr_t address_space_find_free(struct address_space *space, vaddr_t hint, size_t size);

/* What mmap(2) is told; the file room has looked at the descriptor. */
struct mapping {
    vaddr_t address;              /* hint, or the place with MAP_FIXED */
    size_t size;                  /* bytes; rounded up to pages */
    int protection;               /* PROT_* */
    int flags;                    /* MAP_* */
    struct memory_object *object; /* NULL: anonymous, also if shared; a reference is taken */
    uint64_t page_offset;
    bool may_write;   /* the file is open for writing: a shared mapping may become writable */
    bool may_execute; /* its mount lets programs run: the mapping may become executable */
};
/* mmap(2) without the descriptor: the address, or -EINVAL, -ENOMEM, -EEXIST, -EOVERFLOW, -EPERM,
   -EOPNOTSUPP. May sleep. */
ssize_t address_space_mmap(struct address_space *space, const struct mapping *mapping);

/* Takes the pages of a file that are gone out of all page tables: page_cache_resize() does, when
   it has changed the cache. [first, last] in pages. No address space's mutex held. */
void address_spaces_forget(struct page_cache *cache, uint64_t first, uint64_t last);
/* The region that holds `address`, or the first one above it; NULL. Space's mutex held. */
struct region *address_space_find(struct address_space *space, vaddr_t address);

/* Pages of a range that are there (proc(5), /proc/PID/smaps). */
struct residency {
    uint64_t resident;                     /* pages; the rest as well, but for: */
    uint64_t proportional;                 /* …each divided by who shares it: 1/4096 of a page */
    uint64_t shared_clean, shared_dirty;   /* others map them too */
    uint64_t private_clean, private_dirty; /* nobody else does */
    uint64_t anonymous;                    /* no file's */
};
/* Adds up what of [start, end), which lies in the region, is there. Space's mutex held. */
void region_add_residency(const struct region *region, vaddr_t start, vaddr_t end,
                          struct residency *sum);

/* Copies to or from another (or the own) address space; faults pages in as the program would.
   0 or -EFAULT, -ENOMEM. May sleep. */
int address_space_copy_out(struct address_space *space, vaddr_t to, const void *from, size_t size);
int address_space_copy_in(struct address_space *space, void *to, vaddr_t from, size_t size);
/* The latter, but -EFAULT where it would have to wait for a disk or a server: for who looks at a
   process that may be anybody's. */
int address_space_glance(struct address_space *space, void *to, vaddr_t from, size_t size);

/* The most resident pages that the space ever had. */
static inline uint64_t address_space_most_resident(const struct address_space *space)
{
    uint64_t now = __atomic_load_n(&space->pages_mapped, __ATOMIC_RELAXED);
    uint64_t most = __atomic_load_n(&space->pages_mapped_most, __ATOMIC_RELAXED);

    return now > most ? now : most;
}

#endif
