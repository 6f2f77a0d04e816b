/*
 * The input is a record, unsealed. Whatever is in it, every check answers in
 * every profile, a failure names a place, and what is not known says why.
 */
#include "fuzz.h"
#include "library/audit/audit.h"

#include <string.h>

static void finding_require(const struct audit_finding *finding, unsigned number, size_t size)
{
    uint32_t kept = finding->count < AUDIT_PLACES ? finding->count : AUDIT_PLACES;

    require(finding->check->number == number);
    require((finding->result == AUDIT_FAIL) == (finding->count > 0));
    if (finding->result == AUDIT_NOT_KNOWN || finding->result == AUDIT_NOT_APPLICABLE)
        require(finding->why[0] != '\0');
    for (uint32_t i = 0; i < kept; i++) {
        const struct audit_place *place = &finding->places[i];
        require(memchr(place->found, '\0', sizeof(place->found)) != NULL &&
                place->found[0] != '\0');
        require(memchr(place->image, '\0', sizeof(place->image)) != NULL);
        require(place->offset == AUDIT_NO_OFFSET || place->offset < size);
    }
}

static void add(void *context, const char *text, size_t length)
{
    require(length == 0 || memchr(text, '\0', length) == NULL);
    *(size_t *)context += length;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct audit_finding findings[AUDIT_CHECKS];
    struct record record;
    const char *reason;
    size_t length = 0;

    if (size == 0 || record_open(&record, data + 1, size - 1, &reason) != 0)
        return 0;
    enum audit_profile profile = (enum audit_profile)(data[0] % 3);
    audit_run(&record, data[0] & 0x80 ? &record : NULL, profile, findings);
    for (unsigned i = 0; i < AUDIT_CHECKS; i++)
        finding_require(&findings[i], i + 1, size);
    audit_write_json(findings, profile, add, &length);
    require(length > 10000);
    return 0;
}
