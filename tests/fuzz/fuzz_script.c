/* The input is a script's beginning. */
#include "fuzz.h"
#include "library/script.h"

#include <errno.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct script_line line = {0};

    if (!script_is((const char *)data, size))
        return 0;
    char *bytes = calloc(1, SCRIPT_LINE_MAXIMUM);
    memcpy(bytes, data, size < SCRIPT_LINE_MAXIMUM ? size : SCRIPT_LINE_MAXIMUM);
    int error = script_line_parse(bytes, &line);
    if (error) {
        require(error == -ENOEXEC || error == -EACCES);
    } else {
        size_t room = (size_t)(bytes + SCRIPT_LINE_MAXIMUM - line.interpreter);
        require(line.interpreter >= bytes + 2 && strnlen(line.interpreter, room) < room);
        require(line.interpreter[0] != '\0' && strpbrk(line.interpreter, " \t\n") == NULL);
    }
    if (!error && line.argument != NULL) {
        size_t room = (size_t)(bytes + SCRIPT_LINE_MAXIMUM - line.argument);
        require(line.argument > line.interpreter && strnlen(line.argument, room) < room);
        require(strchr(line.argument, '\n') == NULL && line.argument[0] != ' ');
    }
    free(bytes);
    return 0;
}
