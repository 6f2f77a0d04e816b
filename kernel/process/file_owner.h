/* file_owner.h: who gets a file's signals, as file/hooks.h asks. */
#ifndef BATON_PROCESS_FILE_OWNER_H
#define BATON_PROCESS_FILE_OWNER_H

#include "file/file.h"

int file_owner_find(struct file_owner *owner, int32_t number);
void file_owner_hold(const struct file_owner *owner);
void file_owner_release(const struct file_owner *owner);
int32_t file_owner_number(const struct file_owner *owner);
void file_owner_signal(const struct file_owner *owner, int signal, int reason, int descriptor);

#endif
