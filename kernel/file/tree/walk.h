/* walk.h: a walk that can stop before the last component, for the files of this room. */
#ifndef BATON_FILE_TREE_WALK_H
#define BATON_FILE_TREE_WALK_H

#include "file/tree/path.h"

struct walk_level {
    const char *rest;    /* of the name, behind the link */
    struct inode *inode; /* whose target is walked now; a reference is held; or NULL */
    char *text;          /* the target, from the heap; or NULL */
};

enum walk_last {
    WALK_LAST_NAME,
    WALK_LAST_DOT,
    WALK_LAST_DOT_DOT,
    WALK_LAST_ROOT, /* nothing but slashes */
};

/* A walk through the name space that can stop before the last component. */
struct walk {
    const struct credentials *credentials; /* the caller's; lives longer than the walk */
    struct path root;                      /* a reference is held */
    struct path at;                        /* a reference is held: where the walk stands */
    const char *rest;                      /* of the name at the present level */
    unsigned depth;                        /* levels in use */
    unsigned links;                        /* followed so far */
    unsigned resolve;                      /* RESOLVE_*, openat2(2): what the walk may not do */
    enum walk_last last_kind;
    const char *last; /* the last component; not NUL-terminated */
    size_t last_length;
    bool trailing_slash; /* behind the last component: it must be a directory */
    struct walk_level levels[LINKS_MAXIMUM];
};

/* Starts; after 0 call walk_end. */
int walk_begin(struct walk *walk, int directory, const char *name, unsigned flags,
               const struct credentials *credentials);
void walk_end(struct walk *walk);
/* Goes on until only the last component is left: walk->at is its directory. */
int walk_to_parent(struct walk *walk);
/* Finds the last component: its path with references; symbolic links are not followed, mounts are
   entered. -ENOENT and so on. */
int walk_find_last(struct walk *walk, struct path *result);
/* After walk_begin(): sets walk->resolve. 0, or -EXDEV: the name begins outside already. */
int walk_restrict(struct walk *walk, const char *name, unsigned resolve);
/* The last component was this link: goes on in it; then call walk_to_parent again. 1: a magic
   link, walk->at is the end. Takes the reference to `link`. */
int walk_follow_last(struct walk *walk, struct path *link);
/* path_lookup by other credentials than the calling thread's. */
int path_lookup_as(const struct credentials *credentials, int directory, const char *name,
                   unsigned flags, struct path *result);

#endif
