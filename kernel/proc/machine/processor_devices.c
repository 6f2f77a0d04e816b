/*
 * processor_devices.c: /dev/cpu/N/cpuid and msr (section 4 of the manual). Both are for the
 * superuser; registers are read, never written.
 */
#include <asm/errno.h>
#include <linux/capability.h>

#include "cpu/cpu.h"
#include "cpu/inspect.h"
#include "file/device.h"
#include "file/lockdown.h"
#include "library/string.h"
#include "proc/machine/machine.h"
#include "thread/preemption.h"

/* Documentation/admin-guide/devices.txt; the minor is the processor's number. */
enum {
    MSR_MAJOR = 202,
    CPUID_MAJOR = 203,
};

static unsigned processor_of(const struct file *file)
{
    return device_minor(file->inode->device);
}

static int processor_open(struct inode *inode, struct file *file)
{
    (void)file;
    return cpu_set_has(&cpu_online, device_minor(inode->device)) ? 0 : -ENXIO;
}

static int msr_open(struct inode *inode, struct file *file)
{
    if (!credentials_capable(credentials_current(), CAP_SYS_RAWIO))
        return -EPERM;
    return processor_open(inode, file);
}

/* Gives answers of `size` bytes, one after the other; what came of the last, or how many bytes. */
static ssize_t answers_read(struct file *file, struct transfer *to, int64_t *offset, size_t size,
                            int (*answer)(unsigned processor, int64_t *offset, void *bytes))
{
    uint8_t bytes[sizeof(struct cpuid_result)];
    ssize_t done = 0;
    int error = 0;

    if (to->left % size)
        return -EINVAL;
    while (to->left && !error) {
        error = answer(processor_of(file), offset, bytes);
        if (!error && transfer_out(to, bytes, size) < size)
            error = -EFAULT;
        if (!error)
            done += (ssize_t)size;
        if (thread_interrupted(THREAD_INTERRUPTIBLE))
            break;
        thread_preemption_point();
    }
    return done ? done : error;
}

/* The offset is the leaf, and above it the subleaf. */
static int cpuid_answer(unsigned processor, int64_t *offset, void *bytes)
{
    int error = cpu_inspect_cpuid(processor, (uint32_t)*offset, (uint32_t)(*offset >> 32), bytes);

    if (!error)
        *offset = (int64_t)((uint64_t)*offset + 1);
    return error;
}

static ssize_t cpuid_read(struct file *file, struct transfer *to, int64_t *offset)
{
    return answers_read(file, to, offset, sizeof(struct cpuid_result), cpuid_answer);
}

/* The offset is the register's number, and stays so. */
static int msr_answer(unsigned processor, int64_t *offset, void *bytes)
{
    uint64_t value;
    int error = cpu_inspect_msr(processor, (uint32_t)*offset, &value);

    memcpy(bytes, &value, sizeof(value));
    return error;
}

static ssize_t msr_read_file(struct file *file, struct transfer *to, int64_t *offset)
{
    return answers_read(file, to, offset, sizeof(uint64_t), msr_answer);
}

static ssize_t msr_write_file(struct file *file, struct transfer *from, int64_t *offset)
{
    (void)file;
    (void)from;
    (void)offset;
    lockdown_check(LOCKDOWN_INTEGRITY, "raw MSR access"); /* the log says so, as on Linux */
    return -EPERM;
}

static const struct file_operations cpuid_operations = {
    .open = processor_open, .read = cpuid_read, .seek = file_seek_no_end};
static const struct file_operations msr_operations = {
    .open = msr_open, .read = msr_read_file, .write = msr_write_file, .seek = file_seek_no_end};

static struct device msr_device = {DEVICE_CHARACTER, MSR_MAJOR, 0,    CPU_MAXIMUM,
                                   &msr_operations,  "cpu/msr", NULL, NULL};
static struct device cpuid_device = {DEVICE_CHARACTER,  CPUID_MAJOR, 0,    CPU_MAXIMUM,
                                     &cpuid_operations, "cpu/cpuid", NULL, NULL};

void machine_processor_devices_add(void)
{
    device_register(&msr_device);
    device_register(&cpuid_device);
}
