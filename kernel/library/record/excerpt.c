/* From one record to another, by who has both: what of a boot goes into a variable, and from there
 * to that boot's report. */
#include "library/record/record.h"

void record_append_from(struct record_writer *writer, const struct record *record, uint16_t kind)
{
    struct record_entry entry = {0};

    while (kind ? record_next_of(record, kind, &entry) : record_next(record, &entry)) {
        if (record_append(writer, entry.kind, entry.tsc, entry.bytes, entry.size, NULL, 0) == 0)
            ((struct record_entry_header *)(void *)(writer->bytes + writer->last))->version =
                entry.version;
    }
}
