/* What a FUSE server may say, and what it may not. */
#include "library/fuse_message.h"
#include "test.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#define array_length(array) (sizeof(array) / sizeof((array)[0]))

static void test_heads(void)
{
    test_case("heads of answers");
    struct fuse_out_header head = {.len = sizeof(head), .error = 0, .unique = 2};
    expect_equal(fuse_head_check(&head, sizeof(head)), 0);
    expect_equal(fuse_head_check(&head, sizeof(head) - 1), -EINVAL);
    expect_equal(fuse_head_check(&head, sizeof(head) + 1), -EINVAL);
    static const int good[] = {-1, -511}, bad[] = {1, -512, INT32_MIN, INT32_MAX};
    for (size_t i = 0; i < array_length(good); i++) {
        head.error = good[i];
        expect_equal(fuse_head_check(&head, sizeof(head)), 0);
    }
    for (size_t i = 0; i < array_length(bad); i++) {
        head.error = bad[i];
        expect_equal(fuse_head_check(&head, sizeof(head)), -EINVAL);
    }
}

static void test_terms(void)
{
    struct fuse_init_out out = {.major = 7,
                                .minor = 31,
                                .flags = FUSE_BIG_WRITES | FUSE_MAX_PAGES,
                                .max_write = 1 << 20,
                                .max_pages = 4};
    struct fuse_terms terms;

    test_case("what server and kernel agree on");
    expect_equal(fuse_terms_parse(&out, sizeof(out), FUSE_BIG_WRITES | FUSE_MAX_PAGES, &terms), 0);
    expect_equal(terms.flags, FUSE_BIG_WRITES | FUSE_MAX_PAGES);
    expect_equal(terms.pages_maximum, 4);
    expect_equal(terms.write_maximum, 4 * 4096);
    expect_equal(fuse_terms_parse(&out, sizeof(out), FUSE_BIG_WRITES, &terms), 0);
    expect_equal(terms.flags, FUSE_BIG_WRITES);
    expect_equal(terms.pages_maximum, 32);
    expect_equal(terms.write_maximum, 32 * 4096);
    expect_equal(fuse_terms_parse(&out, FUSE_COMPAT_22_INIT_OUT_SIZE, 0, &terms), 0);
    expect_equal(terms.write_maximum, 4096);
    expect_equal(fuse_terms_parse(&out, FUSE_COMPAT_22_INIT_OUT_SIZE - 1, 0, &terms), -EPROTO);
    out.minor = 11;
    expect_equal(fuse_terms_parse(&out, sizeof(out), 0, &terms), -EPROTO);
    out.minor = 31;
    out.major = 8;
    expect_equal(fuse_terms_parse(&out, sizeof(out), 0, &terms), -EPROTO);
}

static void test_attributes(void)
{
    struct fuse_attr_out out = {.attr_valid = 1,
                                .attr_valid_nsec = 5,
                                .attr = {.ino = 7, .size = 9, .mode = S_IFREG | 0644, .nlink = 1}};
    struct fuse_attributes attributes;

    test_case("attributes");
    expect_equal(fuse_attributes_parse(&out, sizeof(out), &attributes), 0);
    expect_equal(attributes.valid, 1000000005);
    expect_equal(attributes.block_size, 4096);
    expect_equal(fuse_attributes_parse(&out, sizeof(out) - 1, &attributes), -EIO);
    out.attr_valid = UINT64_MAX;
    out.attr_valid_nsec = UINT32_MAX;
    out.attr.mtimensec = UINT32_MAX;
    out.attr.blocks = UINT64_MAX;
    out.attr.blksize = UINT32_MAX;
    expect_equal(fuse_attributes_parse(&out, sizeof(out), &attributes), 0);
    expect(attributes.valid == UINT64_MAX);
    expect_equal(attributes.modified_nanoseconds, 999999999);
    expect_equal(attributes.blocks, INT64_MAX);
    expect_equal(attributes.block_size, 4096);
    out.attr.size = UINT64_C(1) << 63;
    expect_equal(fuse_attributes_parse(&out, sizeof(out), &attributes), -EIO);
    out.attr.size = 0;
    static const uint32_t modes[] = {0, 0644, S_IFREG | S_IFDIR, 0x10000 | S_IFREG};
    for (size_t i = 0; i < array_length(modes); i++) {
        out.attr.mode = modes[i];
        expect_equal(fuse_attributes_parse(&out, sizeof(out), &attributes),
                     modes[i] == (S_IFREG | S_IFDIR) ? 0 : -EIO); /* that is a socket's type */
    }
}

static void test_entries(void)
{
    struct fuse_entry_out out = {.nodeid = 5, .attr = {.mode = S_IFDIR | 0755}};
    struct fuse_entry entry;

    test_case("entries");
    expect_equal(fuse_entry_parse(&out, sizeof(out), &entry), 0);
    expect_equal(entry.node, 5);
    expect_equal(fuse_entry_parse(&out, sizeof(out) - 1, &entry), -EIO);
    out.nodeid = FUSE_ROOT_ID;
    expect_equal(fuse_entry_parse(&out, sizeof(out), &entry), -EIO);
    out = (struct fuse_entry_out){.entry_valid = 1};
    expect_equal(fuse_entry_parse(&out, sizeof(out), &entry), 0);
    expect_equal(entry.node, 0);
}

/* Puts an entry of a directory behind what is there. */
static size_t directory_add(char *bytes, size_t at, bool plus, const char *name, size_t length,
                            uint64_t node)
{
    struct fuse_entry_out entry = {.nodeid = node, .attr = {.mode = S_IFREG}};
    struct fuse_dirent head = {
        .ino = 3, .off = at + 1, .namelen = (uint32_t)length, .type = S_IFREG >> 12};

    if (plus) {
        memcpy(bytes + at, &entry, sizeof(entry));
        at += sizeof(entry);
    }
    memcpy(bytes + at, &head, FUSE_NAME_OFFSET);
    memcpy(bytes + at + FUSE_NAME_OFFSET, name, length);
    return at + FUSE_REC_ALIGN(FUSE_NAME_OFFSET + length);
}

static void test_directories(void)
{
    struct fuse_directory_entry entry;
    char bytes[2048] = {0}, name[300];

    for (int plus = 0; plus <= 1; plus++) {
        test_case("directories%s", plus ? ", with attributes" : "");
        size_t size = directory_add(bytes, 0, plus, ".", 1, 0), at = 0;
        size = directory_add(bytes, size, plus, "a name", 6, 9);
        char *copy = test_copy(bytes, size);
        expect_equal(fuse_directory_next(copy, size, plus, &at, &entry), 1);
        expect(!entry.has_entry && entry.length == 1);
        expect_equal(fuse_directory_next(copy, size, plus, &at, &entry), 1);
        expect(entry.length == 6 && memcmp(entry.name, "a name", 6) == 0);
        expect_equal(entry.type, S_IFREG);
        expect_equal(entry.has_entry, plus);
        expect_equal(fuse_directory_next(copy, size, plus, &at, &entry), 0);
        expect_equal(at, size);
        /* Cut anywhere: what is whole counts. */
        for (size_t cut = 0; cut < size; cut++) {
            copy = test_copy(bytes, cut);
            at = 0;
            int there;
            while ((there = fuse_directory_next(copy, cut, plus, &at, &entry)) > 0)
                expect(at <= cut);
            expect_equal(there, 0);
        }
        static const char *const refused[] = {"a/b", "", "a\0b"};
        static const size_t lengths[] = {3, 0, 3};
        for (size_t i = 0; i < array_length(refused); i++) {
            at = 0;
            size = directory_add(bytes, 0, plus, refused[i], lengths[i], 9);
            expect_equal(fuse_directory_next(bytes, size, plus, &at, &entry), -EIO);
        }
        at = 0;
        memset(name, 'x', sizeof(name));
        size = directory_add(bytes, 0, plus, name, 256, 9);
        expect_equal(fuse_directory_next(bytes, size, plus, &at, &entry), -EIO);
        if (plus) {
            at = 0;
            size = directory_add(bytes, 0, true, "a", 1, FUSE_ROOT_ID);
            expect_equal(fuse_directory_next(bytes, size, true, &at, &entry), -EIO);
        }
    }
}

static void test_notices(void)
{
    struct fuse_notice notice;
    struct fuse_notify_inval_inode_out node = {.ino = 4, .off = 5, .len = -1};
    struct {
        struct fuse_notify_inval_entry_out head;
        char name[8];
    } entry = {{.parent = 4, .namelen = 3}, "abc"};
    struct {
        struct fuse_notify_delete_out head;
        char name[8];
    } deleted = {{.parent = 4, .child = 5, .namelen = 3}, "abc"};

    test_case("notices");
    expect_equal(fuse_notice_parse(FUSE_NOTIFY_INVAL_INODE, &node, sizeof(node), &notice), 0);
    expect(notice.node == 4 && notice.offset == 5);
    expect_equal(fuse_notice_parse(FUSE_NOTIFY_INVAL_INODE, &node, sizeof(node) - 1, &notice),
                 -EINVAL);
    size_t size = sizeof(entry.head) + 4;
    expect_equal(fuse_notice_parse(FUSE_NOTIFY_INVAL_ENTRY, &entry, size, &notice), 0);
    expect(notice.name_length == 3 && strcmp(notice.name, "abc") == 0);
    expect_equal(fuse_notice_parse(FUSE_NOTIFY_INVAL_ENTRY, &entry, size - 1, &notice), -EINVAL);
    expect_equal(fuse_notice_parse(FUSE_NOTIFY_INVAL_ENTRY, &entry, sizeof(entry.head), &notice),
                 -EINVAL);
    entry.head.namelen = UINT32_MAX;
    expect_equal(fuse_notice_parse(FUSE_NOTIFY_INVAL_ENTRY, &entry, size, &notice), -EINVAL);
    size = sizeof(deleted.head) + 4;
    expect_equal(fuse_notice_parse(FUSE_NOTIFY_DELETE, &deleted, size, &notice), 0);
    expect_equal(notice.child, 5);
    expect_equal(fuse_notice_parse(FUSE_NOTIFY_DELETE, &deleted, sizeof(deleted.head), &notice),
                 -EINVAL);
    expect_equal(fuse_notice_parse(99, &node, sizeof(node), &notice), -EINVAL);
}

static void test_options(void)
{
    struct fuse_options options;

    test_case("options of mount(2)");
    expect_equal(fuse_options_parse("fd=5,rootmode=40755,user_id=1,group_id=2,allow_other,"
                                    "default_permissions,max_read=8192,blksize=1024",
                                    &options),
                 0);
    expect(options.descriptor == 5 && options.root_mode == 040755 && options.user == 1 &&
           options.group == 2 && options.allow_other && options.default_permissions &&
           options.read_maximum == 8192 && options.block_size == 1024);
    expect_equal(
        fuse_options_parse("fd=5,rootmode=40000,user_id=0,group_id=0,max_read=1", &options), 0);
    expect_equal(options.read_maximum, 4096);
    static const char *const refused[] = {
        NULL,
        "",
        "fd=5",
        "rootmode=40000,user_id=0,group_id=0",
        "fd=5,rootmode=0,user_id=0,group_id=0",
        "fd=x,rootmode=40000,user_id=0,group_id=0",
        "fd=,rootmode=40000,user_id=0,group_id=0",
        "fd=4294967295,rootmode=40000,user_id=0,group_id=0",
        "fd=99999999999999999999,rootmode=40000,user_id=0,group_id=0",
        "fd=5,rootmode=48000,user_id=0,group_id=0",
        "fd=5,rootmode=40000,user_id=0,group_id=0,other",
        "fd=5,rootmode=40000,user_id=0,group_id=0,allow_others",
    };
    for (size_t i = 0; i < array_length(refused); i++)
        expect_equal(fuse_options_parse(refused[i], &options), -EINVAL);
}

int main(void)
{
    test_heads();
    test_terms();
    test_attributes();
    test_entries();
    test_directories();
    test_notices();
    test_options();
    return test_end();
}
