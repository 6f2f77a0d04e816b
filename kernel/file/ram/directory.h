/* directory.h: what directories do alike, for the files of this room. */
#ifndef BATON_FILE_RAM_DIRECTORY_H
#define BATON_FILE_RAM_DIRECTORY_H

#include "file/file.h"

/* "." and "..", for files that begin with them; offsets from 2 on are the kind's own. False: the
   sink is full. */
bool directory_give_dots(struct file *file, struct directory_sink *sink);
int64_t directory_seek(struct file *file, int64_t offset, int whence);

#endif
