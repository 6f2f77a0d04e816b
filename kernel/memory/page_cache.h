/*
 * page_cache.h: the contents of a file, in frames. A RAM file's frames are its
 * storage; of a file that lies elsewhere (`backed`) they are a copy, that can
 * be fetched again. Program text and private mappings map them directly. Each
 * cache knows the regions that map it (truncation, SIGBUS).
 */
#ifndef BATON_MEMORY_PAGE_CACHE_H
#define BATON_MEMORY_PAGE_CACHE_H

#include <bsd/sys/queue.h>

#include "memory/frame.h"
#include "memory/quota.h"
#include "thread/mutex.h"

struct region;

struct page_cache {
    struct mutex truncation;     /* one change at a time that takes pages away; taken before an
                                    address space's mutex */
    struct mutex lock;           /* taken after an address space's mutex, never before it */
    uint64_t size;               /* bytes of the file; lock to write, atomic to read */
    uint64_t frame_count;        /* lock; atomic to read (st_blocks) */
    enum frame_owner owner;      /* FRAME_PAGE_CACHE, or FRAME_SHARED; constant */
    struct quota *quota;         /* that its frames count against; NULL: none; constant */
    unsigned height;             /* of the radix tree; lock */
    void *root;                  /* lock */
    uint64_t truncations;        /* how often it shrank; lock */
    LIST_HEAD(, region) regions; /* that map it; lock */
    uint64_t region_count;       /* of these; lock to write, atomic to read */
    bool no_writing, no_holes;   /* page_cache_seal(); lock; the second atomic to read */
    bool constant;               /* never shrinks, so it needs no such list; constant */
    bool backed;                 /* a missing page is not a hole: it is to be fetched; constant */
    uint64_t changes;            /* what was fetched before the last of them is stale; lock */
    uint64_t dirty_count;        /* pages to be written back; lock to write, atomic to read */
    uint64_t *dirty_sum;         /* of these, with others of the same owner; atomic; NULL: nobody
                                    asks; constant */
};

void page_cache_initialize(struct page_cache *cache, enum frame_owner owner);
/* Frees the frames; nobody maps it any more. */
void page_cache_destroy(struct page_cache *cache);

/* Finds page `index` and takes a reference for the caller; 0: a hole. Takes the lock; may sleep. */
paddr_t page_cache_get(struct page_cache *cache, uint64_t index);
/* The same, and makes a page of zeros of a hole. 0, -ENOMEM, or -ENOSPC: the quota is used up. */
int page_cache_create(struct page_cache *cache, uint64_t index, paddr_t *frame);
/*
 * Looks at `count` pages from `first` on that lie below the size, under one lock: frames[i] is the
 * frame together with `bits`, 0 for a hole; *found are not holes. Returns how many pages lie below
 * the size and so are answered. No references are taken: the caller holds the mutex of a space
 * with a region that maps the cache, and no frame is freed before address_spaces_forget() had
 * that mutex.
 */
size_t page_cache_map(struct page_cache *cache, uint64_t first, size_t count, uint64_t bits,
                      uint64_t *frames, unsigned *found);
/* The same for one page: false if it lies behind the size. */
bool page_cache_find(struct page_cache *cache, uint64_t index, paddr_t *frame);
/* Is there a frame for page `index`? Takes the lock. */
bool page_cache_has(struct page_cache *cache, uint64_t index);
/* The first page from `index` on that is a hole, or that is none; at least the number of pages
   below the size if there is no such one. Takes the lock; may sleep. */
uint64_t page_cache_seek(struct page_cache *cache, uint64_t index, bool hole);

/* Adopts `frame` (of the cache's owner; the caller's reference) as page `index`. 0; -EEXIST when
   that is no hole, -ENOSPC, -ENOMEM: then the reference stays the caller's. */
int page_cache_adopt(struct page_cache *cache, uint64_t index, paddr_t frame);

/* ---- of a file that lies elsewhere ---- */

/* How often the contents changed: noted before pages are fetched, and asked by whoever adopts
   them. */
uint64_t page_cache_changes(struct page_cache *cache);
/* After a change of what lies elsewhere: what others are fetching just now is not adopted. */
void page_cache_changed(struct page_cache *cache);
/* As page_cache_adopt(), unless there was a change since (-EAGAIN) or the page lies behind the
   size (-ERANGE). */
int page_cache_adopt_fetched(struct page_cache *cache, uint64_t index, paddr_t frame,
                             uint64_t changes);
/* A program is about to write to page `index` through a mapping. False: it is not there. */
bool page_cache_mark_dirty(struct page_cache *cache, uint64_t index);
bool page_cache_is_dirty(struct page_cache *cache, uint64_t index);
/*
 * The first dirty pages from *index on that lie side by side, at most `count`: *index becomes the
 * first, and they are clean: no mapping writes to them any more without marking them again. Each
 * has a reference for the caller, who writes them back. 0: there are none. May sleep; no address
 * space's mutex held.
 */
size_t page_cache_clean(struct page_cache *cache, uint64_t *index, size_t count, paddr_t *frames);
/* Forgets the clean pages of [first, last], also where they are mapped. Returns how many. May
   sleep; no address space's mutex held. */
uint64_t page_cache_drop(struct page_cache *cache, uint64_t first, uint64_t last);
/* Writes to the pages that are there, after the bytes went where they belong; kernel memory. */
void page_cache_update(struct page_cache *cache, uint64_t offset, const void *from, size_t size);

/*
 * Sets the size. When it shrinks: frames behind it are freed, the tail of the
 * last page is zeroed, and the pages are unmapped from every region. May sleep.
 */
void page_cache_resize(struct page_cache *cache, uint64_t size);
/* For the seals of fcntl(2), F_ADD_SEALS. `writing`: nobody can map it shared and writable any
   more; -EBUSY: somebody does, or may make what he mapped so. `holes`: page_cache_may_punch() says
   no. May sleep. */
int page_cache_seal(struct page_cache *cache, bool writing, bool holes);
bool page_cache_may_punch(const struct page_cache *cache);
/* Makes [offset, offset+size) zeros, whole pages a hole (fallocate FALLOC_FL_PUNCH_HOLE, madvise
   MADV_REMOVE). May sleep; no address space's mutex held. */
void page_cache_punch(struct page_cache *cache, uint64_t offset, uint64_t size);

/* Copies between the cache and kernel memory; reads of holes give zeros. Bytes copied (reads end
   at the size), -ENOMEM or -ENOSPC. Writing does not change the size. May sleep. */
ssize_t page_cache_read(struct page_cache *cache, uint64_t offset, void *to, size_t size);
ssize_t page_cache_write(struct page_cache *cache, uint64_t offset, const void *from, size_t size);
/* The same with user memory; bytes, -ENOMEM, -ENOSPC or -EFAULT (when nothing was copied). */
ssize_t page_cache_read_user(struct page_cache *cache, uint64_t offset, vaddr_t to, size_t size);
ssize_t page_cache_write_user(struct page_cache *cache, uint64_t offset, vaddr_t from, size_t size);

#endif
