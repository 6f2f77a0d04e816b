/* plugin: what loader.c opens with dlopen(3). */
#include <stdio.h>

int plugin_calls;
static __thread int plugin_own = 5;

__attribute__((constructor)) static void loaded(void)
{
    puts("plugin: loaded");
}

__attribute__((destructor)) static void unloaded(void)
{
    puts("plugin: unloaded");
}

int plugin_add(int one, int other);
int plugin_add(int one, int other)
{
    plugin_calls++;
    return one + other + plugin_own++;
}
