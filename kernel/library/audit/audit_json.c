/* Findings as JSON, the worst first. */
#include "library/audit/audit.h"
#include "library/format.h"
#include "library/string.h"

struct output {
    record_emit_function *emit;
    void *context;
};

static void put(struct output *output, const char *text)
{
    output->emit(output->context, text, strlen(text));
}

static bool is_plain(char character)
{
    return character >= ' ' && character < 0x7f && character != '"' && character != '\\';
}

/* Plain characters in one piece, the others one by one. */
static void characters_put(struct output *output, const char *text)
{
    char piece[8];

    while (*text != '\0') {
        size_t plain = 0;
        while (is_plain(text[plain]))
            plain++;
        output->emit(output->context, text, plain);
        text += plain;
        if (*text != '\0') {
            format_string(piece, sizeof(piece), "\\u%04x", (uint8_t)*text++);
            put(output, piece);
        }
    }
}

static void string_put(struct output *output, const char *name, const char *text)
{
    put(output, "\"");
    put(output, name);
    put(output, "\":\"");
    characters_put(output, text);
    put(output, "\"");
}

static void number_put(struct output *output, const char *name, uint64_t number)
{
    char text[64];

    format_string(text, sizeof(text), "\"%s\":%llu", name, (unsigned long long)number);
    put(output, text);
}

static void place_put(struct output *output, const struct audit_place *place)
{
    put(output, "{");
    if (place->offset != AUDIT_NO_OFFSET) {
        number_put(output, "offset", place->offset);
        put(output, ",");
    }
    string_put(output, "found", place->found);
    if (place->image[0] != '\0') {
        put(output, ",");
        string_put(output, "image", place->image);
    }
    put(output, "}");
}

static void finding_put(struct output *output, const struct audit_finding *finding)
{
    const struct audit_check *check = finding->check;
    uint32_t kept = finding->count < AUDIT_PLACES ? finding->count : AUDIT_PLACES;

    put(output, "\n{");
    number_put(output, "check", check->number);
    put(output, ",");
    string_put(output, "family", finding->family);
    put(output, ",");
    string_put(output, "title", check->title);
    put(output, ",");
    string_put(output, "severity", audit_severity_name(finding->severity));
    put(output, ",");
    string_put(output, "result", audit_result_name(finding->result));
    put(output, ",");
    string_put(output, "section", check->section);
    put(output, ",");
    string_put(output, "expected", check->expected);
    put(output, ",");
    string_put(output, "advice", check->advice);
    put(output, ",");
    if (finding->result == AUDIT_NOT_APPLICABLE || finding->result == AUDIT_NOT_KNOWN) {
        string_put(output, "why", finding->why);
        put(output, ",");
    }
    number_put(output, "count", finding->count);
    put(output, ",\"places\":[");
    for (uint32_t i = 0; i < kept; i++) {
        put(output, i > 0 ? "," : "");
        place_put(output, &finding->places[i]);
    }
    put(output, "]}");
}

void audit_write_json(const struct audit_finding findings[AUDIT_CHECKS], enum audit_profile profile,
                      record_emit_function *emit, void *context)
{
    struct output output = {.emit = emit, .context = context};
    bool first = true;

    put(&output, "{\"version\":1,");
    string_put(&output, "profile", audit_profile_name(profile));
    put(&output, ",\"findings\":[");
    for (int severity = AUDIT_CRITICAL; severity >= AUDIT_LOW; severity--) {
        for (size_t i = 0; i < AUDIT_CHECKS; i++) {
            if ((int)findings[i].severity != severity)
                continue;
            put(&output, first ? "" : ",");
            finding_put(&output, &findings[i]);
            first = false;
        }
    }
    put(&output, "]}\n");
}
