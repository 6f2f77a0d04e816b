/* page.h: as the kernel's, by the C library. */
#ifndef BATON_TEST_PAGE_H
#define BATON_TEST_PAGE_H

#include "library/string.h"
#include "library/types.h"

static inline void page_clear(void *page)
{
    memset(page, 0, PAGE_SIZE);
}

static inline void page_copy(void *to, const void *from)
{
    memcpy(to, from, PAGE_SIZE);
}

#endif
