/* A record as JSON: each entry's decoded fields beside its raw bytes. */
#include "library/align.h"
#include "library/bytes.h"
#include "library/format.h"
#include "library/record/kinds.h"
#include "library/record/record.h"
#include "library/string.h"

/* Where the text goes, and whether a comma comes before the next member. */
struct json {
    record_emit_function *emit;
    void *context;
    bool comma;
};

static void put(struct json *json, const char *text)
{
    json->emit(json->context, text, strlen(text));
}

static void separate(struct json *json)
{
    if (json->comma)
        put(json, ",");
    json->comma = true;
}

static void open(struct json *json, const char *bracket)
{
    put(json, bracket);
    json->comma = false;
}

static void close(struct json *json, const char *bracket)
{
    put(json, bracket);
    json->comma = true;
}

static void name_put(struct json *json, const char *name)
{
    separate(json);
    put(json, "\"");
    put(json, name);
    put(json, "\":");
}

static void number_put(struct json *json, uint64_t value, bool wide)
{
    char text[24];

    format_string(text, sizeof(text), wide ? "\"0x%llx\"" : "%llu", (unsigned long long)value);
    put(json, text);
}

/* A character in a string; code points up to ffffh. */
static void character_put(struct json *json, uint16_t character)
{
    char text[8];
    bool plain = character >= ' ' && character < 0x7f && character != '"' && character != '\\';

    format_string(text, sizeof(text), plain ? "%c" : "\\u%04x", character);
    put(json, text);
}

/* Bytes beyond ASCII are told one by one, as Latin-1 has them: they need not be UTF-8. */
static void text_put(struct json *json, const uint8_t *bytes, size_t size)
{
    put(json, "\"");
    for (size_t i = 0; i < size && bytes[i] != 0; i++)
        character_put(json, bytes[i]);
    put(json, "\"");
}

static void utf16_put(struct json *json, const uint8_t *bytes, size_t size)
{
    put(json, "\"");
    for (size_t i = 0; i + 2 <= size && load16(bytes + i) != 0; i += 2)
        character_put(json, load16(bytes + i));
    put(json, "\"");
}

static void hex_put(struct json *json, const uint8_t *bytes, size_t size)
{
    static const char digits[] = "0123456789abcdef";
    char text[129];

    put(json, "\"");
    for (size_t i = 0; i < size;) {
        size_t length = 0;
        for (; i < size && length < sizeof(text) - 1; i++) {
            text[length++] = digits[bytes[i] >> 4];
            text[length++] = digits[bytes[i] & 15];
        }
        json->emit(json->context, text, length);
    }
    put(json, "\"");
}

/* UEFI 2.11, appendix A: the first three parts are little-endian numbers. */
static void guid_put(struct json *json, const uint8_t *guid)
{
    char text[40];

    format_string(text, sizeof(text), "\"%08x-%04x-%04x-%02x%02x-%02x%02x%02x%02x%02x%02x\"",
                  load32(guid), load16(guid + 4), load16(guid + 6), guid[8], guid[9], guid[10],
                  guid[11], guid[12], guid[13], guid[14], guid[15]);
    put(json, text);
}

static uint64_t number_load(const uint8_t *bytes, size_t size)
{
    uint64_t value = 0;

    for (size_t i = size; i-- > 0;)
        value = value << 8 | bytes[i];
    return value;
}

static void numbers_put(struct json *json, const uint8_t *bytes, size_t size, size_t each)
{
    open(json, "[");
    for (size_t i = 0; i + each <= size; i += each) {
        separate(json);
        number_put(json, number_load(bytes + i, each), each == 8);
    }
    close(json, "]");
}

static void field_put(struct json *json, const struct record_field *field, const uint8_t *bytes)
{
    switch (field->form) {
    case RECORD_FORM_NUMBER:
        number_put(json, number_load(bytes, field->size), field->size == 8);
        break;
    case RECORD_FORM_GUID:
        guid_put(json, bytes);
        break;
    case RECORD_FORM_HEX:
        hex_put(json, bytes, field->size);
        break;
    case RECORD_FORM_TEXT:
        text_put(json, bytes, field->size);
        break;
    case RECORD_FORM_WORDS:
        numbers_put(json, bytes, field->size, 4);
        break;
    case RECORD_FORM_QUADS:
        numbers_put(json, bytes, field->size, 8);
        break;
    }
}

/* The fields that size bytes have whole. */
static void fields_put(struct json *json, const struct record_field *fields, const uint8_t *bytes,
                       size_t size)
{
    open(json, "{");
    for (const struct record_field *field = fields; field->name != NULL; field++) {
        if ((size_t)field->offset + field->size > size)
            continue;
        name_put(json, field->name);
        field_put(json, field, bytes + field->offset);
    }
    close(json, "}");
}

static void items_put(struct json *json, const struct record_field *fields, size_t step,
                      const uint8_t *bytes, size_t size)
{
    name_put(json, "items");
    open(json, "[");
    for (size_t at = 0; step > 0 && step <= size - at; at += step) {
        separate(json);
        fields_put(json, fields, bytes + at, step);
    }
    close(json, "]");
}

static void descriptors_put(struct json *json, const struct record_entry *entry)
{
    struct record_map map;
    size_t size;
    const uint8_t *descriptors = record_load(entry, &map, sizeof(map), &size);

    if (map.descriptor_size >= 40 && map.descriptor_size <= size)
        items_put(json, record_descriptor_fields, (size_t)map.descriptor_size, descriptors, size);
}

/* A part of a tail, filled up to 8 bytes; less where there is less. */
static const uint8_t *part(const uint8_t **tail, size_t *left, size_t size, size_t *there)
{
    const uint8_t *bytes = *tail;
    size_t filled = align_up(size, RECORD_ALIGNMENT);

    *there = size < *left ? size : *left;
    filled = filled < *left ? filled : *left;
    *tail += filled;
    *left -= filled;
    return bytes;
}

static void image_put(struct json *json, const struct record_entry *entry)
{
    struct record_image image;
    size_t left, size;
    const uint8_t *tail = record_load(entry, &image, sizeof(image), &left);
    const uint8_t *bytes = part(&tail, &left, image.name_size, &size);

    name_put(json, "text");
    text_put(json, bytes, size);
    bytes = part(&tail, &left, image.section_count * (size_t)40, &size);
    items_put(json, record_section_fields, 40, bytes, size);
}

static void handle_put(struct json *json, const struct record_entry *entry)
{
    struct record_handle handle;
    size_t left;
    const uint8_t *tail = record_load(entry, &handle, sizeof(handle), &left);

    name_put(json, "protocols");
    open(json, "[");
    for (size_t i = 0; i < handle.protocol_count && 16 <= left; i++) {
        separate(json);
        guid_put(json, tail);
        tail += 16;
        left -= 16;
    }
    close(json, "]");
}

static void variable_put(struct json *json, const struct record_entry *entry)
{
    struct record_variable variable;
    size_t left, size;
    const uint8_t *tail = record_load(entry, &variable, sizeof(variable), &left);
    const uint8_t *bytes = part(&tail, &left, variable.name_size, &size);

    name_put(json, "text");
    utf16_put(json, bytes, size);
    bytes = part(&tail, &left, variable.data_kept, &size);
    name_put(json, "data");
    hex_put(json, bytes, size);
}

static void tail_put(struct json *json, const struct record_kind_description *kind,
                     const struct record_entry *entry)
{
    size_t fixed = entry->size < kind->size ? entry->size : kind->size;
    const uint8_t *bytes = entry->bytes + fixed;
    size_t size = entry->size - fixed;

    switch (kind->tail) {
    case RECORD_TAIL_NONE:
    case RECORD_TAIL_BYTES:
        break;
    case RECORD_TAIL_ITEMS:
        items_put(json, kind->item, kind->item_size, bytes, size);
        break;
    case RECORD_TAIL_DESCRIPTORS:
        descriptors_put(json, entry);
        break;
    case RECORD_TAIL_UTF8:
        name_put(json, "text");
        text_put(json, bytes, size);
        break;
    case RECORD_TAIL_UTF16:
        name_put(json, "text");
        utf16_put(json, bytes, size);
        break;
    case RECORD_TAIL_QUADS:
        name_put(json, "items");
        numbers_put(json, bytes, size, 8);
        break;
    case RECORD_TAIL_IMAGE:
        image_put(json, entry);
        break;
    case RECORD_TAIL_HANDLE:
        handle_put(json, entry);
        break;
    case RECORD_TAIL_VARIABLE:
        variable_put(json, entry);
        break;
    }
}

static void entry_put(struct json *json, const struct record_entry *entry)
{
    const struct record_kind_description *kind = record_kind_describe(entry->kind);

    open(json, "\n{");
    name_put(json, "kind");
    number_put(json, entry->kind, false);
    name_put(json, "name");
    text_put(json, (const uint8_t *)(kind != NULL ? kind->name : "unknown"), 32);
    name_put(json, "point");
    number_put(json, entry->kind >> 8, false);
    name_put(json, "version");
    number_put(json, entry->version, false);
    name_put(json, "offset");
    number_put(json, entry->offset, false);
    name_put(json, "tsc");
    number_put(json, entry->tsc, true);
    if (kind != NULL) {
        name_put(json, "fields");
        fields_put(json, kind->fields, entry->bytes, entry->size);
        tail_put(json, kind, entry);
    }
    name_put(json, "raw");
    hex_put(json, entry->bytes, entry->size);
    close(json, "}");
}

static void header_put(struct json *json, const struct record_header *header)
{
    name_put(json, "version");
    number_put(json, header->version, false);
    name_put(json, "sealed");
    put(json, header->flags & RECORD_SEALED ? "true" : "false");
    name_put(json, "edited");
    put(json, header->flags & RECORD_EDITED ? "true" : "false");
    name_put(json, "size");
    number_put(json, header->size, false);
    name_put(json, "lost_entries");
    number_put(json, header->lost_entries, false);
    name_put(json, "lost_bytes");
    number_put(json, header->lost_bytes, false);
    name_put(json, "boot");
    hex_put(json, header->boot, sizeof(header->boot));
    name_put(json, "build");
    text_put(json, (const uint8_t *)header->build, sizeof(header->build));
}

void record_write_json(const struct record *record, record_emit_function *emit, void *context)
{
    struct json json = {.emit = emit, .context = context};
    struct record_entry entry = {0};

    open(&json, "{");
    header_put(&json, &record->header);
    name_put(&json, "entries");
    open(&json, "[");
    while (record_next(record, &entry)) {
        separate(&json);
        entry_put(&json, &entry);
    }
    close(&json, "]");
    close(&json, "}");
    put(&json, "\n");
}
