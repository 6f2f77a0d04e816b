/* refusal.h: what did not start, shown until a person has read it. */
#ifndef BATON_LOADER_MENU_REFUSAL_H
#define BATON_LOADER_MENU_REFUSAL_H

/*
 * Shows what the console was told (console_story()) on the screen, as the menu's picture: firmware
 * writes its own small letters there, which nobody can read at 4K. On serial lines it stands
 * already. Then waits for a key that leads to `where`, because what comes next wipes the message;
 * gives up after half a minute, so that a machine with nobody before it goes on.
 */
void refusal_show(const char *where);

#endif
