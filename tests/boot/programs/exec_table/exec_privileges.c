/*
 * exec_privileges: as whom a new image acts: set-user-ID and set-group-ID, AT_SECURE, capabilities
 * (execve(2), capabilities(7)). Part of the table of exec_cases.h.
 */
#define _GNU_SOURCE
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/prctl.h>

#include "exec_cases.h"

#define NOBODY 65534

/* ---- set-user-ID and set-group-ID ---- */

/* A copy of this program of user 1234 and group 1235, with these bits. */
static bool become_special(const char *name, mode_t mode)
{
    REQUIRE(file_copy(program, name, 0755) && chown(name, 1234, 1235) == 0);
    REQUIRE(chmod(name, mode) == 0);
    execve(name, after_arguments(), environ);
    REQUIRE(!"execve");
    return false;
}
static bool users_are(uid_t real, uid_t effective, uid_t saved)
{
    uid_t users[3];

    REQUIRE(getresuid(&users[0], &users[1], &users[2]) == 0);
    return users[0] == real && users[1] == effective && users[2] == saved;
}
static bool groups_are(gid_t real, gid_t effective, gid_t saved)
{
    gid_t groups[3];

    REQUIRE(getresgid(&groups[0], &groups[1], &groups[2]) == 0);
    return groups[0] == real && groups[1] == effective && groups[2] == saved;
}
static bool set_user_before(void)
{
    return become_special("set-user", 04755);
}
static bool set_user_after(void)
{
    return users_are(0, 1234, 1234) && groups_are(0, 0, 0) && getauxval(AT_SECURE) == 1;
}
static bool set_group_before(void)
{
    return become_special("set-group", 02755);
}
static bool set_group_after(void)
{
    return users_are(0, 0, 0) && groups_are(0, 1235, 1235) && getauxval(AT_SECURE) == 1;
}
static bool set_both_before(void)
{
    return become_special("set-both", 06755);
}
static bool set_both_after(void)
{
    return users_are(0, 1234, 1234) && groups_are(0, 1235, 1235);
}
static bool mandatory_locking_before(void)
{
    return become_special("locking", 02705); /* no x bit for the group */
}
static bool unchanged_after(void)
{
    return users_are(0, 0, 0) && groups_are(0, 0, 0) && getauxval(AT_SECURE) == 0;
}
static bool nosuid_before(void)
{
    REQUIRE(mkdir("nosuid", 0755) == 0);
    REQUIRE(mount("none", "nosuid", "tmpfs", MS_NOSUID, NULL) == 0);
    return become_special("nosuid/image", 06755);
}
static bool no_new_privileges_before(void)
{
    REQUIRE(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    return become_special("no-new", 06755);
}
static int holds_file_system(void *unused)
{
    (void)unused;
    for (;;)
        pause();
}
static bool shared_file_system_before(void)
{
    static char stack[65536] __attribute__((aligned(16)));

    /* Who shares the root directory could lead a set-user-ID program astray. */
    REQUIRE(file_copy(program, "of-root", 0755) && chmod("of-root", 04755) == 0);
    REQUIRE(setresgid(NOBODY, NOBODY, NOBODY) == 0 && setresuid(NOBODY, NOBODY, NOBODY) == 0);
    REQUIRE(clone(holds_file_system, stack + sizeof(stack), CLONE_FS, NULL) > 0);
    execve("of-root", after_arguments(), environ);
    return false;
}
static bool shared_file_system_after(void)
{
    return users_are(NOBODY, NOBODY, NOBODY) && getauxval(AT_SECURE) == 1;
}
static bool root_shares_before(void)
{
    static char stack[65536] __attribute__((aligned(16)));

    REQUIRE(clone(holds_file_system, stack + sizeof(stack), CLONE_FS, NULL) > 0);
    return become_special("of-sharing-root", 06755);
}
static bool not_readable_before(void)
{
    REQUIRE(file_copy(program, "only-x", 0111));
    REQUIRE(setresgid(NOBODY, NOBODY, NOBODY) == 0 && setresuid(NOBODY, NOBODY, NOBODY) == 0);
    REQUIRE(prctl(PR_SET_DUMPABLE, 1) == 0);
    execve("only-x", after_arguments(), environ);
    return false;
}
static bool not_dumpable_after(void)
{
    return prctl(PR_GET_DUMPABLE) == 0;
}
static bool bits_personality_before(void)
{
    REQUIRE(personality(ADDR_NO_RANDOMIZE | ADDR_COMPAT_LAYOUT | UNAME26) >= 0);
    return set_user_before();
}
static bool bits_personality_after(void)
{
    return personality(0xffffffff) == UNAME26;
}
static bool differing_before(void)
{
    REQUIRE(setresuid(4, 5, 6) == 0);
    return prctl(PR_SET_PDEATHSIG, SIGUSR1) == 0;
}
static bool differing_without_new_before(void)
{
    REQUIRE(setresuid(4, 5, 6) == 0);
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
}
static bool differing_without_new_after(void)
{
    return users_are(4, 4, 4) && getauxval(AT_SECURE) == 1;
}
static bool gains_root_before(void)
{
    REQUIRE(file_copy(program, "to-root", 0755) && chmod("to-root", 04755) == 0);
    REQUIRE(setresgid(NOBODY, NOBODY, NOBODY) == 0 && setresuid(NOBODY, NOBODY, NOBODY) == 0);
    execve("to-root", after_arguments(), environ);
    return false;
}
static bool gains_root_after(void)
{
    REQUIRE(users_are(NOBODY, 0, 0) && getauxval(AT_SECURE) == 1);
    return setresuid(0, 0, 0) == 0; /* it has the capabilities, too */
}
static bool own_bits_before(void)
{
    REQUIRE(file_copy(program, "own-bits", 0755) && chmod("own-bits", 06755) == 0);
    execve("own-bits", after_arguments(), environ);
    return false;
}
static bool bits_dumpable_after(void)
{
    return prctl(PR_GET_DUMPABLE) != 1;
}
static bool bits_death_signal_before(void)
{
    return prctl(PR_SET_PDEATHSIG, SIGUSR1) == 0 && set_user_before();
}
static bool bits_death_signal_after(void)
{
    int value = 1;

    return prctl(PR_GET_PDEATHSIG, &value) == 0 && value == 0;
}
static bool file_user_after(void)
{
    return syscall(SYS_setfsuid, -1) == 1234; /* it follows the effective user */
}
static bool real_user_back_after(void)
{
    REQUIRE(seteuid(0) == 0);  /* the real one */
    return seteuid(1234) == 0; /* and the saved one */
}

/* ---- capabilities ---- */

struct capability_data {
    uint32_t effective, permitted, inheritable;
};

static bool capabilities_get(struct capability_data data[2])
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};

    return syscall(SYS_capget, &header, data) == 0;
}
static bool capabilities_set(struct capability_data data[2])
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};

    return syscall(SYS_capset, &header, data) == 0;
}
static bool root_capabilities_before(void)
{
    struct capability_data data[2];

    REQUIRE(capabilities_get(data));
    data[0].effective = data[1].effective = 0;
    return capabilities_set(data);
}
static bool root_capabilities_after(void)
{
    struct capability_data data[2];

    REQUIRE(capabilities_get(data));
    return data[0].effective == data[0].permitted && (data[0].effective & 1 << CAP_CHOWN);
}
static bool user_capabilities_before(void)
{
    struct capability_data data[2];

    REQUIRE(prctl(PR_SET_KEEPCAPS, 1) == 0 && setresuid(NOBODY, NOBODY, NOBODY) == 0);
    REQUIRE(capabilities_get(data) && (data[0].permitted & 1 << CAP_CHOWN));
    return true;
}
static bool user_capabilities_after(void)
{
    struct capability_data data[2];

    REQUIRE(capabilities_get(data));
    return !data[0].permitted && !data[1].permitted && !data[0].effective;
}
static bool ambient_capabilities_before(void)
{
    struct capability_data data[2];

    REQUIRE(prctl(PR_SET_KEEPCAPS, 1) == 0 && setresuid(NOBODY, NOBODY, NOBODY) == 0);
    REQUIRE(capabilities_get(data));
    data[0].inheritable = data[0].effective = 1 << CAP_KILL;
    REQUIRE(capabilities_set(data));
    return prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0) == 0;
}
static bool ambient_capabilities_after(void)
{
    struct capability_data data[2];

    REQUIRE(capabilities_get(data));
    REQUIRE(data[0].permitted == 1 << CAP_KILL && data[0].effective == 1 << CAP_KILL);
    return getauxval(AT_SECURE) == 0 &&
           prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_KILL, 0, 0) == 1;
}
static bool no_root_before(void)
{
    return prctl(PR_SET_SECUREBITS, SECBIT_NOROOT) == 0;
}
static bool no_root_after(void)
{
    struct capability_data data[2];

    REQUIRE(capabilities_get(data));
    return geteuid() == 0 && !data[0].permitted && !data[1].permitted;
}
static bool inheritable_before(void)
{
    struct capability_data data[2];

    REQUIRE(capabilities_get(data));
    data[0].inheritable = 1 << CAP_CHOWN | 1 << CAP_KILL;
    return capabilities_set(data);
}
static bool inheritable_after(void)
{
    struct capability_data data[2];

    return capabilities_get(data) && data[0].inheritable == (1 << CAP_CHOWN | 1 << CAP_KILL);
}
static bool bounding_before(void)
{
    return prctl(PR_CAPBSET_DROP, CAP_SYS_TIME, 0, 0, 0) == 0;
}
static bool bounding_after(void)
{
    struct capability_data data[2];

    REQUIRE(prctl(PR_CAPBSET_READ, CAP_SYS_TIME, 0, 0, 0) == 0 && capabilities_get(data));
    return !(data[0].permitted & 1 << CAP_SYS_TIME) && (data[0].permitted & 1 << CAP_CHOWN);
}

static const struct exec_case cases[] = {
    HALVES("set-user-ID", "execve(2)", set_user_before, set_user_after),
    HALVES("set-group-ID", "execve(2)", set_group_before, set_group_after),
    HALVES("set-user-ID and set-group-ID", "execve(2)", set_both_before, set_both_after),
    HALVES("set-group-ID without the group's x bit is ignored", "inode(7)",
           mandatory_locking_before, unchanged_after),
    HALVES("ignored where mounted nosuid", "execve(2)", nosuid_before, unchanged_after),
    HALVES("ignored with no_new_privs", "execve(2)", no_new_privileges_before, unchanged_after),
    HALVES("ignored while another process shares the root", "clone(2), CLONE_FS",
           shared_file_system_before, shared_file_system_after),
    HALVES("not ignored if it may set user IDs anyway", "capabilities(7), CAP_SETUID",
           root_shares_before, set_both_after),
    HALVES("set-user-ID root: capabilities and AT_SECURE", "capabilities(7)", gains_root_before,
           gains_root_after),
    HALVES("the bits of one's own user change nothing", "getauxval(3), AT_SECURE", own_bits_before,
           unchanged_after),
    HALVES("a file that may not be read: not dumpable", "prctl(2), PR_SET_DUMPABLE",
           not_readable_before, not_dumpable_after),
    HALVES("set-user-ID: parts of the personality are cleared", "execve(2)",
           bits_personality_before, bits_personality_after),
    HALVES("effective other than real user: no parent-death signal", "prctl(2), PR_SET_PDEATHSIG",
           differing_before, bits_death_signal_after),
    HALVES("no_new_privs: the effective user becomes the real one", "prctl(2), PR_SET_NO_NEW_PRIVS",
           differing_without_new_before, differing_without_new_after),
    HALVES("set-user-ID: not dumpable", "prctl(2), PR_SET_DUMPABLE", set_user_before,
           bits_dumpable_after),
    HALVES("set-user-ID: the parent-death signal is gone", "prctl(2), PR_SET_PDEATHSIG",
           bits_death_signal_before, bits_death_signal_after),
    HALVES("set-user-ID: the file system's user follows", "setfsuid(2)", set_user_before,
           file_user_after),
    HALVES("set-user-ID: to the real user and back", "setuid(2)", set_user_before,
           real_user_back_after),
    HALVES("capabilities: root gets them back", "capabilities(7)", root_capabilities_before,
           root_capabilities_after),
    HALVES("capabilities: another user loses them", "capabilities(7)", user_capabilities_before,
           user_capabilities_after),
    HALVES("capabilities: ambient ones stay", "capabilities(7)", ambient_capabilities_before,
           ambient_capabilities_after),
    HALVES("capabilities: SECBIT_NOROOT", "capabilities(7)", no_root_before, no_root_after),
    HALVES("capabilities: the inheritable set stays", "capabilities(7)", inheritable_before,
           inheritable_after),
    HALVES("capabilities: the bounding set stays and bounds", "capabilities(7)", bounding_before,
           bounding_after),
};

int main(int count, char **arguments)
{
    return exec_cases_main(cases, array_length(cases), count, arguments);
}
