/*
 * count.c: a plugin for QEMU's TCG that counts how often each instruction runs between two marks.
 *
 * A mark is the eight-byte NOP 0F 1F 84 00 with the number MARK behind it, which no compiler makes:
 * the first begins a section, the second ends it, the third begins another. At each end a line
 * `section` and what was run in it: address, how often, the instruction's bytes; with `devices=on`
 * also how many of its accesses went to device registers. MARK_GROUP writes a line `group`; the
 * next mark begins a section, whatever came before: init marks where a command begins, too. Without
 * a mark nothing is written, with `whole=on` one section is the machine's whole life.
 *
 *     -plugin count.so,out=FILE[,devices=on][,whole=on]
 *
 * Debian has no package with qemu-plugin.h: what is needed of it is declared below, as QEMU 7.2
 * documents it (docs/devel/tcg-plugins.rst; API version 1). Counters are added to by inline code,
 * which is exact with one processor, or with -icount.
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- QEMU's side ---- */

#define PLUGIN_API 1
#define EXPORT     __attribute__((visibility("default")))

typedef uint64_t plugin_id;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
struct qemu_plugin_hwaddr;
enum { NO_REGISTERS = 0, LOADS_AND_STORES = 3, INLINE_ADD = 0 };

EXPORT int qemu_plugin_version = PLUGIN_API;
typedef void on_translation(plugin_id, struct qemu_plugin_tb *);
typedef void on_execution(unsigned cpu, void *data);
typedef void on_access(unsigned cpu, uint32_t access, uint64_t address, void *data);
typedef void on_end_of_machine(plugin_id, void *data);
void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id, on_translation *);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *, on_execution *, int, void *);
void qemu_plugin_register_vcpu_insn_exec_inline(struct qemu_plugin_insn *, int, void *, uint64_t);
void qemu_plugin_register_vcpu_mem_cb(struct qemu_plugin_insn *, on_access *, int, int, void *);
void qemu_plugin_register_atexit_cb(plugin_id, on_end_of_machine *, void *);
struct qemu_plugin_hwaddr *qemu_plugin_get_hwaddr(uint32_t access, uint64_t address);
bool qemu_plugin_hwaddr_is_io(const struct qemu_plugin_hwaddr *);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *, size_t);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *);

/* ---- instructions ---- */

#define INSTRUCTION_SIZE 15 /* at most (Intel SDM volume 2, 2.3.11) */
#define MARK             0x5ba7c0deU
#define MARK_GROUP       0x5ba7c0dfU
#define TABLE_BITS       22

struct instruction {
    uint64_t address;
    uint8_t size, bytes[INSTRUCTION_SIZE];
    uint64_t count, devices;               /* since the machine began … */
    uint64_t count_before, devices_before; /* … and until the section began */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards all that follows */
static struct instruction *table[1 << TABLE_BITS];       /* by address, then the next free place */
static FILE *out;
static bool in_section, with_devices, whole;

/* Another program's instruction may have stood at the address. */
static struct instruction *find(uint64_t address, const void *bytes, size_t size)
{
    uint64_t place = (address * 0x9e3779b97f4a7c15) >> (64 - TABLE_BITS);
    struct instruction *found;

    while ((found = table[place])) {
        if (found->address == address && found->size == size && !memcmp(found->bytes, bytes, size))
            return found;
        place = (place + 1) % (1 << TABLE_BITS);
    }
    found = calloc(1, sizeof(*found));
    if (!found)
        abort();
    found->address = address;
    found->size = size;
    memcpy(found->bytes, bytes, size);
    table[place] = found;
    return found;
}

static void begin_section(void)
{
    for (size_t i = 0; i < 1 << TABLE_BITS; i++)
        if (table[i]) {
            table[i]->count_before = table[i]->count;
            table[i]->devices_before = table[i]->devices;
        }
}

static void print(const struct instruction *instruction)
{
    fprintf(out, "%lx %lu ", instruction->address, instruction->count - instruction->count_before);
    for (size_t i = 0; i < instruction->size; i++)
        fprintf(out, "%02x", instruction->bytes[i]);
    if (instruction->devices != instruction->devices_before)
        fprintf(out, " %lu", instruction->devices - instruction->devices_before);
    fputc('\n', out);
}

static void end_section(void)
{
    fputs("section\n", out);
    for (size_t i = 0; i < 1 << TABLE_BITS; i++)
        if (table[i] && table[i]->count != table[i]->count_before)
            print(table[i]);
    fflush(out);
}

static void on_mark(unsigned cpu, void *data)
{
    (void)cpu;
    (void)data;
    pthread_mutex_lock(&lock);
    if (in_section)
        end_section();
    else
        begin_section();
    in_section = !in_section;
    pthread_mutex_unlock(&lock);
}

static void on_group(unsigned cpu, void *data)
{
    (void)cpu;
    (void)data;
    pthread_mutex_lock(&lock);
    fputs("group\n", out);
    in_section = false;
    pthread_mutex_unlock(&lock);
}

static void on_memory(unsigned cpu, uint32_t access, uint64_t address, void *data)
{
    const struct qemu_plugin_hwaddr *place = qemu_plugin_get_hwaddr(access, address);
    struct instruction *instruction = data;

    (void)cpu;
    if (place && qemu_plugin_hwaddr_is_io(place))
        instruction->devices++;
}

/* What is marked by it; NULL: it is no mark. */
static on_execution *mark_of(const struct instruction *instruction)
{
    static const uint8_t begin[4] = {0x0f, 0x1f, 0x84, 0x00};
    uint32_t number;

    if (instruction->size != 8 || memcmp(instruction->bytes, begin, sizeof(begin)) != 0)
        return NULL;
    memcpy(&number, instruction->bytes + sizeof(begin), sizeof(number));
    return number == MARK ? on_mark : number == MARK_GROUP ? on_group : NULL;
}

static void on_block(plugin_id id, struct qemu_plugin_tb *block)
{
    (void)id;
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < qemu_plugin_tb_n_insns(block); i++) {
        struct qemu_plugin_insn *from = qemu_plugin_tb_get_insn(block, i);
        struct instruction *instruction = find(
            qemu_plugin_insn_vaddr(from), qemu_plugin_insn_data(from), qemu_plugin_insn_size(from));
        qemu_plugin_register_vcpu_insn_exec_inline(from, INLINE_ADD, &instruction->count, 1);
        if (with_devices)
            qemu_plugin_register_vcpu_mem_cb(from, on_memory, NO_REGISTERS, LOADS_AND_STORES,
                                             instruction);
        on_execution *mark = whole ? NULL : mark_of(instruction);
        if (mark)
            qemu_plugin_register_vcpu_insn_exec_cb(from, mark, NO_REGISTERS, NULL);
    }
    pthread_mutex_unlock(&lock);
}

static void on_end(plugin_id id, void *data)
{
    (void)id;
    (void)data;
    if (whole)
        end_section();
    fclose(out);
}

EXPORT int qemu_plugin_install(plugin_id id, const void *information, int count, char **arguments)
{
    (void)information;
    for (int i = 0; i < count; i++) {
        if (!strncmp(arguments[i], "out=", 4))
            out = fopen(arguments[i] + 4, "w");
        with_devices |= !strcmp(arguments[i], "devices=on");
        whole |= !strcmp(arguments[i], "whole=on");
    }
    if (!out) {
        fprintf(stderr, "count.so: out=FILE cannot be opened\n");
        return -1;
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, on_block);
    qemu_plugin_register_atexit_cb(id, on_end, NULL);
    return 0;
}
