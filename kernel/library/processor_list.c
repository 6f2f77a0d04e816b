#include "library/processor_list.h"

static bool is_listed(const struct processor_list *list, uint32_t apic_id)
{
    for (uint32_t i = 0; i < list->count; i++)
        if (list->apic_ids[i] == apic_id)
            return true;
    return false;
}

static void note(uint32_t *count, uint32_t *first, uint32_t apic_id)
{
    if ((*count)++ == 0)
        *first = apic_id;
}

static void processor_read(struct processor_list *list, uint32_t apic_id, uint32_t greatest)
{
    if (apic_id > greatest)
        note(&list->unreachable, &list->first_unreachable, apic_id);
    else if (is_listed(list, apic_id))
        note(&list->twice, &list->first_twice, apic_id);
    else if (list->count == list->room)
        list->too_many++;
    else
        list->apic_ids[list->count++] = apic_id;
}

void processor_list_read(struct processor_list *list, struct acpi_madt *madt, uint32_t own,
                         uint32_t greatest)
{
    struct acpi_madt_entry entry;

    *list = (struct processor_list){
        .apic_ids = list->apic_ids, .room = list->room, .own_missing = true};
    while (acpi_madt_next(madt, &entry) == 1) {
        if (entry.kind != ACPI_MADT_PROCESSOR || !entry.processor.enabled)
            continue;
        if (entry.processor.apic_id != own)
            processor_read(list, entry.processor.apic_id, greatest);
        else if (list->own_missing)
            list->own_missing = false;
        else
            note(&list->twice, &list->first_twice, own);
    }
}
