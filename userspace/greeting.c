/* greeting.c: see greeting.h. */
#include "greeting.h"

#include <stdio.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>

/* The first processor's name; /proc may not be there. */
static void processor_name(char *name, int size)
{
    char line[256];
    FILE *file = fopen("/proc/cpuinfo", "re");

    snprintf(name, size, "x86-64");
    while (file && fgets(line, sizeof(line), file)) {
        char *value = strncmp(line, "model name", 10) == 0 ? strchr(line, ':') : NULL;
        if (value) {
            value[strcspn(value, "\n")] = '\0';
            snprintf(name, size, "%s", value + 1 + strspn(value + 1, " "));
            break;
        }
    }
    if (file)
        fclose(file);
}

void greeting_write(int file)
{
    struct utsname names = {0};
    struct sysinfo system = {0};
    char processor[128];
    int count = get_nprocs();

    uname(&names);
    sysinfo(&system);
    processor_name(processor, sizeof(processor));
    if (strstr(names.version, "Baton"))
        dprintf(file, "Baton " BATON_VERSION);
    else
        dprintf(file, "%s %s", names.sysname, names.release);
    dprintf(file, ": %d processor%s (%s), %lu MiB of memory. `poweroff` switches it off.\n", count,
            count == 1 ? "" : "s", processor, (system.totalram * system.mem_unit) >> 20);
}
