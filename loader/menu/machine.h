/* machine.h: what the machine is, in lines for the menu's page. */
#ifndef BATON_LOADER_MENU_MACHINE_H
#define BATON_LOADER_MENU_MACHINE_H

#include <stddef.h>

#define MACHINE_FACTS_MAXIMUM 12

/* Fills in pointers to lines, which stay valid until the next call; returns how many. */
size_t machine_describe(const char *facts[MACHINE_FACTS_MAXIMUM]);

#endif
