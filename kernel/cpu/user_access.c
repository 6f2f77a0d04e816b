#include "cpu/user_access.h"

/* An entry of .exception_table: distances from the fields themselves, so that nothing has to be
   relocated. There are some thirty. */
struct exception_entry {
    int32_t fault;
    int32_t fixup;
};
extern const struct exception_entry exception_table_start[], exception_table_end[]; /* kernel.ld */

vaddr_t user_access_fixup(vaddr_t rip)
{
    for (const struct exception_entry *entry = exception_table_start; entry < exception_table_end;
         entry++) {
        if ((vaddr_t)&entry->fault + (vaddr_t)(int64_t)entry->fault == rip)
            return (vaddr_t)&entry->fixup + (vaddr_t)(int64_t)entry->fixup;
    }
    return 0;
}
