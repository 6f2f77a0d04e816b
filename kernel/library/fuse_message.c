/* fuse_message.c: what a FUSE server says, checked. */
#include "library/fuse_message.h"

#include <linux/errno.h>
#include <linux/limits.h>

#include "library/string.h"

#define SECOND   UINT64_C(1000000000)
#define FOR_EVER UINT64_MAX

/* Protocol 7.12 is of 2009; what is older has other structures. */
#define MINOR_LEAST      12
#define MINOR_WITH_TIMES 23 /* from here on FUSE_INIT's answer is whole */
#define PAGES_USUAL      32
#define PAGES_MOST       32 /* of one request; a server may choose less */
#define WRITE_LEAST      4096

int fuse_head_check(const struct fuse_out_header *head, size_t size)
{
    if (size < sizeof(*head) || head->len != size)
        return -EINVAL;
    return !fuse_error_valid(head->error) || head->error > 0 ? -EINVAL : 0;
}

int fuse_terms_parse(const void *bytes, size_t size, uint32_t offered, struct fuse_terms *terms)
{
    struct fuse_init_out answer = {0};

    if (size < FUSE_COMPAT_22_INIT_OUT_SIZE)
        return -EPROTO;
    memcpy(&answer, bytes, size < sizeof(answer) ? size : sizeof(answer));
    if (answer.major != FUSE_KERNEL_VERSION || answer.minor < MINOR_LEAST)
        return -EPROTO;
    terms->minor = answer.minor;
    terms->flags = answer.flags & offered;
    terms->write_maximum = answer.max_write < WRITE_LEAST ? WRITE_LEAST : answer.max_write;
    terms->pages_maximum = PAGES_USUAL;
    if (terms->flags & FUSE_MAX_PAGES && answer.minor >= MINOR_WITH_TIMES && answer.max_pages &&
        answer.max_pages < PAGES_MOST)
        terms->pages_maximum = answer.max_pages;
    if (!(terms->flags & FUSE_BIG_WRITES))
        terms->write_maximum = WRITE_LEAST;
    if (terms->write_maximum > terms->pages_maximum * 4096)
        terms->write_maximum = terms->pages_maximum * 4096;
    return 0;
}

static uint64_t duration(uint64_t seconds, uint32_t nanoseconds)
{
    if (nanoseconds >= SECOND)
        nanoseconds = SECOND - 1;
    if (seconds >= FOR_EVER / SECOND - 1)
        return FOR_EVER;
    return seconds * SECOND + nanoseconds;
}

/* inode(7), "The file type and mode": FIFO, devices, directory, file, link, socket. */
static bool type_known(uint32_t mode)
{
    static const uint8_t known[16] = {
        [1] = 1, [2] = 1, [4] = 1, [6] = 1, [8] = 1, [10] = 1, [12] = 1};
    return mode <= 0xffff && known[mode >> 12];
}

static uint32_t fraction(uint32_t nanoseconds)
{
    return nanoseconds < SECOND ? nanoseconds : SECOND - 1;
}

static int attributes_convert(const struct fuse_attr *from, uint64_t valid,
                              struct fuse_attributes *to)
{
    if (!type_known(from->mode) || from->size > INT64_MAX)
        return -EIO;
    *to = (struct fuse_attributes){
        .number = from->ino,
        .size = from->size,
        .blocks = from->blocks <= INT64_MAX ? from->blocks : INT64_MAX,
        .accessed = (int64_t)from->atime,
        .modified = (int64_t)from->mtime,
        .changed = (int64_t)from->ctime,
        .accessed_nanoseconds = fraction(from->atimensec),
        .modified_nanoseconds = fraction(from->mtimensec),
        .changed_nanoseconds = fraction(from->ctimensec),
        .mode = from->mode,
        .links = from->nlink,
        .user = from->uid,
        .group = from->gid,
        .device = from->rdev,
        .block_size = from->blksize >= 512 && from->blksize <= 1U << 30 ? from->blksize : 4096,
        .valid = valid,
    };
    return 0;
}

int fuse_attributes_parse(const void *bytes, size_t size, struct fuse_attributes *attributes)
{
    struct fuse_attr_out answer;

    if (size < sizeof(answer))
        return -EIO;
    memcpy(&answer, bytes, sizeof(answer));
    return attributes_convert(&answer.attr, duration(answer.attr_valid, answer.attr_valid_nsec),
                              attributes);
}

int fuse_entry_parse(const void *bytes, size_t size, struct fuse_entry *entry)
{
    struct fuse_entry_out answer;

    if (size < sizeof(answer))
        return -EIO;
    memcpy(&answer, bytes, sizeof(answer));
    *entry = (struct fuse_entry){
        .node = answer.nodeid,
        .generation = answer.generation,
        .valid = duration(answer.entry_valid, answer.entry_valid_nsec),
    };
    if (!entry->node)
        return 0;
    if (entry->node == FUSE_ROOT_ID)
        return -EIO;
    return attributes_convert(&answer.attr, duration(answer.attr_valid, answer.attr_valid_nsec),
                              &entry->attributes);
}

/* ---- directories ---- */

/* One path component? "." and ".." only where a directory is read. */
static bool name_valid(const char *name, size_t length, bool dots)
{
    if (length == 0 || length > FUSE_NAME_MAXIMUM || memchr(name, '/', length) ||
        memchr(name, '\0', length))
        return false;
    return dots ||
           !((length == 1 && name[0] == '.') || (length == 2 && name[0] == '.' && name[1] == '.'));
}

int fuse_directory_next(const void *bytes, size_t size, bool plus, size_t *at,
                        struct fuse_directory_entry *entry)
{
    const char *start = (const char *)bytes + *at;
    size_t left = size - *at, before = plus ? sizeof(struct fuse_entry_out) : 0;
    struct fuse_dirent head;

    if (left < before + FUSE_NAME_OFFSET)
        return 0;
    memcpy(&head, start + before, FUSE_NAME_OFFSET);
    const char *name = start + before + FUSE_NAME_OFFSET;
    if (head.namelen > FUSE_NAME_MAXIMUM)
        return -EIO;
    size_t record = before + FUSE_REC_ALIGN(FUSE_NAME_OFFSET + head.namelen);
    if (record > left)
        return 0;
    if (!name_valid(name, head.namelen, true) || head.off > INT64_MAX)
        return -EIO;
    *entry = (struct fuse_directory_entry){
        .name = name,
        .length = head.namelen,
        .number = head.ino,
        .next = head.off,
        .type = (head.type & 15) << 12,
    };
    if (plus && name_valid(name, head.namelen, false)) {
        if (fuse_entry_parse(start, before, &entry->entry))
            return -EIO;
        entry->has_entry = entry->entry.node != 0;
    }
    *at += record;
    return 1;
}

/* ---- notices ---- */

/* A name behind a structure of `head` bytes, with its NUL. */
static int notice_name(struct fuse_notice *notice, const void *bytes, size_t size, size_t head,
                       size_t length)
{
    const char *name = (const char *)bytes + head;

    if (length >= size - head || !name_valid(name, length, false) || name[length])
        return -EINVAL;
    notice->name = name;
    notice->name_length = length;
    return 0;
}

int fuse_notice_parse(int code, const void *bytes, size_t size, struct fuse_notice *notice)
{
    struct fuse_notify_inval_inode_out node;
    struct fuse_notify_inval_entry_out entry;
    struct fuse_notify_delete_out deleted;

    *notice = (struct fuse_notice){0};
    switch (code) {
    case FUSE_NOTIFY_INVAL_INODE:
        if (size != sizeof(node))
            return -EINVAL;
        memcpy(&node, bytes, sizeof(node));
        notice->node = node.ino;
        notice->offset = node.off;
        notice->length = node.len;
        return 0;
    case FUSE_NOTIFY_INVAL_ENTRY:
        if (size <= sizeof(entry))
            return -EINVAL;
        memcpy(&entry, bytes, sizeof(entry));
        notice->node = entry.parent;
        notice->expire_only = entry.flags & FUSE_EXPIRE_ONLY;
        return notice_name(notice, bytes, size, sizeof(entry), entry.namelen);
    case FUSE_NOTIFY_DELETE:
        if (size <= sizeof(deleted))
            return -EINVAL;
        memcpy(&deleted, bytes, sizeof(deleted));
        notice->node = deleted.parent;
        notice->child = deleted.child;
        return notice_name(notice, bytes, size, sizeof(deleted), deleted.namelen);
    default:
        return -EINVAL;
    }
}

/* ---- options ---- */

/* Does the text begin with this word, and end with it at a comma? */
static bool is_word(const char *text, const char *word)
{
    size_t length = strlen(word);
    return strncmp(text, word, length) == 0 && (text[length] == ',' || !text[length]);
}

/* "word=number"; false: it is another option. *valid: is it a number? */
static bool is_number(const char *text, const char *word, unsigned base, uint32_t *number,
                      bool *valid)
{
    size_t length = strlen(word);
    uint64_t value = 0;

    if (strncmp(text, word, length) != 0 || text[length] != '=')
        return false;
    const char *digit = text + length + 1;
    *valid = *digit && *digit != ',';
    for (; *digit && *digit != ','; digit++) {
        unsigned next = (unsigned)(*digit - '0');
        if (next >= base || value > UINT32_MAX)
            *valid = false;
        else
            value = value * base + next;
    }
    *valid &= value <= UINT32_MAX;
    *number = (uint32_t)value;
    return true;
}

int fuse_options_parse(const char *text, struct fuse_options *options)
{
    uint32_t descriptor = UINT32_MAX;
    unsigned given = 0;
    bool valid = true;

    *options = (struct fuse_options){.read_maximum = UINT32_MAX, .block_size = 512};
    while (text && *text && valid) {
        if (is_number(text, "fd", 10, &descriptor, &valid))
            given |= 1;
        else if (is_number(text, "rootmode", 8, &options->root_mode, &valid))
            given |= 2;
        else if (is_number(text, "user_id", 10, &options->user, &valid))
            given |= 4;
        else if (is_number(text, "group_id", 10, &options->group, &valid))
            given |= 8;
        else if (is_word(text, "default_permissions"))
            options->default_permissions = true;
        else if (is_word(text, "allow_other"))
            options->allow_other = true;
        else if (!is_number(text, "max_read", 10, &options->read_maximum, &valid) &&
                 !is_number(text, "blksize", 10, &options->block_size, &valid))
            return -EINVAL;
        while (*text && *text != ',')
            text++;
        while (*text == ',')
            text++;
    }
    if (!valid || given != 15 || descriptor > INT32_MAX || !type_known(options->root_mode))
        return -EINVAL;
    options->descriptor = (int)descriptor;
    if (options->read_maximum < 4096)
        options->read_maximum = 4096;
    return 0;
}
