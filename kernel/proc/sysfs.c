/* sysfs.c: the little of /sys that programs look for: the CPUs, what they are open to, and
   which devices there are. */
#include <asm/errno.h>
#include <linux/stat.h>

#include "cpu/cpu.h"
#include "cpu/features.h"
#include "library/format.h"
#include "library/string.h"
#include "proc/baton.h"
#include "proc/machine/machine.h"
#include "proc/proc.h"

static int online_show(const struct pseudo_key *key, struct text *text)
{
    (void)key;
    proc_text_cpus(text, &cpu_online);
    text_print(text, "\n");
    return 0;
}

static int highest_show(const struct pseudo_key *key, struct text *text)
{
    (void)key;
    text_print(text, "%u\n", CPU_MAXIMUM - 1);
    return 0;
}

/*
 * One page-table root for each thread leaves no place for separate kernel
 * tables: CPUs that need them (Meltdown) are vulnerable, and are told to be.
 * Those of AMD never needed them.
 */
static bool vendor_is_amd(void)
{
    struct cpu_identity identity;

    cpu_identify(&identity);
    return strcmp(identity.vendor, "AuthenticAMD") == 0;
}

static int intel_only_show(const struct pseudo_key *key, struct text *text)
{
    (void)key;
    text_print(text, vendor_is_amd() ? "Not affected\n" : "Vulnerable\n");
    return 0;
}

/* Those that only processors of AMD have. */
static int amd_only_show(const struct pseudo_key *key, struct text *text)
{
    (void)key;
    text_print(text, vendor_is_amd() ? "Vulnerable\n" : "Not affected\n");
    return 0;
}

static struct pseudo_node vulnerability_files[] = {
    PSEUDO_SHOW("gather_data_sampling", intel_only_show),
    PSEUDO_SHOW("indirect_target_selection", intel_only_show),
    PSEUDO_SHOW("itlb_multihit", intel_only_show),
    PSEUDO_SHOW("l1tf", intel_only_show),
    PSEUDO_SHOW("mds", intel_only_show),
    PSEUDO_SHOW("meltdown", intel_only_show),
    PSEUDO_SHOW("mmio_stale_data", intel_only_show),
    PSEUDO_SHOW("reg_file_data_sampling", intel_only_show),
    PSEUDO_TEXT("retbleed", "Vulnerable\n"),
    PSEUDO_SHOW("spec_rstack_overflow", amd_only_show),
    PSEUDO_TEXT("spec_store_bypass", "Vulnerable\n"),
    PSEUDO_TEXT("spectre_v1", "Vulnerable\n"),
    PSEUDO_TEXT("spectre_v2", "Vulnerable\n"),
    PSEUDO_SHOW("srbds", intel_only_show),
    PSEUDO_SHOW("tsa", amd_only_show),
    PSEUDO_SHOW("tsx_async_abort", intel_only_show),
    /* What a guest could do to who runs it: there are no guests. */
    PSEUDO_TEXT("vmscape", "Not affected\n"),
};

/* ---- cpu0, cpu1, …: which C libraries count, and lscpu(1) puts together ---- */

static int core_show(const struct pseudo_key *key, struct text *text)
{
    text_print(text, "%lu\n", key->number[0]);
    return 0;
}

static int own_mask_show(const struct pseudo_key *key, struct text *text)
{
    struct cpu_set own = cpu_set_of((unsigned)key->number[0]);

    proc_text_cpu_mask(text, &own);
    text_print(text, "\n");
    return 0;
}

static int all_mask_show(const struct pseudo_key *key, struct text *text)
{
    (void)key;
    proc_text_cpu_mask(text, &cpu_online);
    text_print(text, "\n");
    return 0;
}

/* Each is a core with one thread, all of them in one package: what /proc/cpuinfo says. */
static struct pseudo_node topology_files[] = {
    PSEUDO_SHOW("core_cpus", own_mask_show),
    PSEUDO_SHOW("core_cpus_list", core_show),
    PSEUDO_SHOW("core_id", core_show),
    PSEUDO_SHOW("core_siblings", all_mask_show),
    PSEUDO_SHOW("core_siblings_list", online_show),
    PSEUDO_TEXT("die_id", "0\n"),
    PSEUDO_SHOW("package_cpus", all_mask_show),
    PSEUDO_SHOW("package_cpus_list", online_show),
    PSEUDO_TEXT("physical_package_id", "0\n"),
    PSEUDO_SHOW("thread_siblings", own_mask_show),
    PSEUDO_SHOW("thread_siblings_list", core_show),
};
static struct pseudo_node cpu_directories[] = {
    {.name = "topology",
     .mode = S_IFDIR | 0555,
     .children = topology_files,
     .child_count = array_length(topology_files)},
};
static struct pseudo_node cpu_node = {
    .mode = S_IFDIR | 0555,
    .children = cpu_directories,
    .child_count = array_length(cpu_directories),
    .added = &sys_caches_directory,
};

static int cpu_find(const struct pseudo_key *key, const char *name, struct pseudo_key *child_key,
                    struct pseudo_node **child)
{
    uint32_t number;

    *child_key = *key;
    if (strncmp(name, "cpu", 3) != 0 || !proc_parse_number(name + 3, &number) ||
        number >= CPU_MAXIMUM || !cpu_set_has(&cpu_online, number))
        return -ENOENT;
    child_key->number[0] = number;
    *child = &cpu_node;
    return 0;
}

static bool cpu_next(const struct pseudo_key *key, uint64_t *position, struct pseudo_name *name)
{
    unsigned number =
        *position < CPU_MAXIMUM ? cpu_set_next(&cpu_online, (unsigned)*position) : CPU_MAXIMUM;

    (void)key;
    if (number == CPU_MAXIMUM)
        return false;
    *position = number + 1;
    format_string(name->text, sizeof(name->text), "cpu%u", number);
    name->type = S_IFDIR;
    return true;
}

static struct pseudo_node cpu_files[] = {
    PSEUDO_SHOW("kernel_max", highest_show),
    PSEUDO_TEXT("offline", "\n"),
    PSEUDO_SHOW("online", online_show),
    PSEUDO_SHOW("possible", online_show),
    PSEUDO_SHOW("present", online_show),
    {.name = "vulnerabilities",
     .mode = S_IFDIR | 0555,
     .children = vulnerability_files,
     .child_count = array_length(vulnerability_files)},
};
/* ---- node0: all memory is as far from each processor ---- */

static struct pseudo_node node_files[] = {
    PSEUDO_SHOW("cpulist", online_show),
    PSEUDO_SHOW("cpumap", all_mask_show),
};
static struct pseudo_node nodes_files[] = {
    PSEUDO_TEXT("has_cpu", "0\n"),
    {.name = "node0",
     .mode = S_IFDIR | 0755,
     .children = node_files,
     .child_count = array_length(node_files)},
    PSEUDO_TEXT("online", "0\n"),
    PSEUDO_TEXT("possible", "0\n"),
};
static struct pseudo_node system_directories[] = {
    {.name = "cpu",
     .mode = S_IFDIR | 0555,
     .children = cpu_files,
     .child_count = array_length(cpu_files),
     .find = cpu_find,
     .next = cpu_next},
    {.name = "node",
     .mode = S_IFDIR | 0755,
     .children = nodes_files,
     .child_count = array_length(nodes_files)},
};
static struct pseudo_node device_directories[] = {
    {.name = "system",
     .mode = S_IFDIR | 0555,
     .children = system_directories,
     .child_count = array_length(system_directories)},
};
/* There are no networks: what lists them lists none. */
static struct pseudo_node class_directories[] = {
    {.name = "net", .mode = S_IFDIR | 0755},
};
static struct pseudo_node number_directories[] = {
    {.name = "char", .mode = S_IFDIR | 0755},
};
struct pseudo_node sys_number_directory = {
    .name = "dev",
    .mode = S_IFDIR | 0755,
    .children = number_directories,
    .child_count = array_length(number_directories),
};
struct pseudo_node sys_class_directory = {
    .name = "class",
    .mode = S_IFDIR | 0755,
    .children = class_directories,
    .child_count = array_length(class_directories),
};
struct pseudo_node sys_firmware_directory = {.name = "firmware", .mode = S_IFDIR | 0755};
struct pseudo_node sys_devices_directory = {
    .name = "devices",
    .mode = S_IFDIR | 0555,
    .children = device_directories,
    .child_count = array_length(device_directories),
};

void sys_system_initialize(void)
{
    pseudo_add(&sys_root, &sys_devices_directory, 1);
    pseudo_add(&sys_root, &sys_class_directory, 1);
    pseudo_add(&sys_root, &sys_number_directory, 1);
    pseudo_add(&sys_root, &sys_firmware_directory, 1);
}

void proc_initialize(void)
{
    proc_process_initialize();
    proc_system_initialize();
    proc_cpu_initialize();
    proc_stat_initialize();
    proc_devices_initialize();
    proc_sys_initialize();
    proc_baton_initialize();
    sys_system_initialize();
    proc_disks_initialize();
    proc_nvme_initialize();
}
