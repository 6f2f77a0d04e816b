/*
 * hooks.c: every call from a room to one above it. A room says in its hooks.h what it asks; here
 * stands who answers. kernel/README.md has the table, with what each caller holds.
 */
#include "cpu/hooks.h"
#include "device/hooks.h"
#include "file/hooks.h"
#include "file/kernel_log.h"
#include "firmware/machine_end.h"
#include "firmware/power_button.h"
#include "memory/hooks.h"
#include "memory/page_fault.h"
#include "proc/machine/usb.h"
#include "proc/proc.h"
#include "process/file_owner.h"
#include "process/hooks.h"
#include "process/out_of_memory.h"
#include "process/process.h"
#include "process/signal/signal.h"
#include "socket/socket.h"
#include "storage/disks.h"
#include "syscall/table.h"
#include "terminal/job_control.h"
#include "terminal/keyboard.h"
#include "terminal/terminal.h"
#include "thread/mutex.h"
#include "thread/thread.h"

/* What the thread has to do; then, in debug kernels, what must hold in user mode. */
static void user_return(struct trap_frame *frame)
{
    signal_user_return(frame);
    mutex_check_none_held();
    scheduler_check_root();
}

const struct cpu_hooks cpu_hooks = {
    .system_call = system_call_dispatch,
    .page_fault = memory_page_fault,
    .user_trap = signal_user_trap,
    .user_return = user_return,
    .log_wake = kernel_log_readers_wake,
    .power_button_pressed = power_button_pressed,
};

const struct memory_hooks memory_hooks = {
    .out_of_memory = out_of_memory,
    .lock_unlimited = process_locks_unlimited,
};

const struct device_hooks device_hooks = {
    .disk_add = storage_disk_add,
    .disk_remove = storage_disk_remove,
    .usb_added = usb_node_add,
    .usb_removed = usb_node_remove,
    .keyboard_added = keyboard_added,
    .keyboard_removed = keyboard_removed,
    .keyboard_key = keyboard_key,
};

const struct file_hooks file_hooks = {
    .signal_self = signal_send_self,
    .process_number = process_number_current,
    .descriptors_replace = process_replace_descriptors,
    .signal_mask_replace = signal_mask_replace,
    .signal_mask_restore = signal_mask_restore,
    .owner_find = file_owner_find,
    .owner_hold = file_owner_hold,
    .owner_release = file_owner_release,
    .owner_number = file_owner_number,
    .owner_signal = file_owner_signal,
    .file_in_flight_drop = file_in_flight_drop,
    .disks_synchronise = storage_synchronise,
};

const struct process_hooks process_hooks = {
    .session_leader_ends = session_leader_ended,
    .session_terminal = session_terminal_describe,
    .of_directory = proc_process_of_directory,
    .power_off = machine_power_off,
    .restart = machine_restart,
};
