/*
 * page_fault.h: what happens when a program touches a page that its tables do
 * not show, or not in that way.
 */
#ifndef BATON_MEMORY_PAGE_FAULT_H
#define BATON_MEMORY_PAGE_FAULT_H

#include "cpu/trap.h"
#include "memory/address_space.h"

/* Pages of a file that one touch maps, if they are in the cache: the aligned block round it. */
#define PAGES_AHEAD 8

/* Why a fault was not resolved. */
enum memory_fault {
    MEMORY_FAULT_NONE,
    MEMORY_FAULT_UNMAPPED,    /* SIGSEGV, SEGV_MAPERR */
    MEMORY_FAULT_PROTECTION,  /* SIGSEGV, SEGV_ACCERR */
    MEMORY_FAULT_BEYOND_FILE, /* SIGBUS, BUS_ADRERR */
    MEMORY_FAULT_NO_SPACE,    /* a hole, and the file system is full: the same */
    MEMORY_FAULT_NO_MEMORY,   /* the rule for the victim when memory ends */
    MEMORY_FAULT_KILLED,      /* a fatal signal came while the page was fetched */
    MEMORY_FAULT_ABSENT,      /* not yet: space->absent has to be fetched, without the mutex */
};

/*
 * trap_hooks.page_fault: resolves the fault by the thread's regions, or, when
 * it came from user_copy and cannot be resolved, goes on where that reports
 * it. False: the program's fault; memory_fault_reason() says which.
 */
bool memory_page_fault(struct trap_frame *frame, vaddr_t address);

/* After memory_page_fault() returned false: kept above the 32 bits of the error code. */
static inline enum memory_fault memory_fault_reason(const struct trap_frame *frame)
{
    return (enum memory_fault)(frame->code >> 32);
}

/* Makes available what is kept in reserve for quick use. True: so much that it is worth another
   try. No spinlock held. */
bool memory_gather(void);
/*
 * What is left to do when there was no frame: gathers what is kept in reserve, or makes room. True:
 * try again. False: there is nothing, or the thread must end. May sleep; mutexes may be held that
 * nobody needs to end.
 */
bool memory_last_resort(void);

/*
 * Makes the page of `address` accessible as `access` (one of REGION_READ,
 * _WRITE, _EXECUTE) wants. Space's mutex held. Maps a block of pages of a file
 * in one go where they are in the cache.
 */
enum memory_fault address_space_fault(struct address_space *space, vaddr_t address,
                                      unsigned access);
/* The same, and fetches what is absent: gives the mutex up meanwhile and takes it again. Never
   MEMORY_FAULT_ABSENT. Thread context, no lock but the space's and those that come before it. */
enum memory_fault address_space_fault_fetching(struct address_space *space, vaddr_t address,
                                               unsigned access);

#endif
