#include "process/reboot.h"

#include <asm/errno.h>
#include <linux/capability.h>
#include <linux/reboot.h>

#include "cpu/log.h"
#include "cpu/panic.h"
#include "file/credentials.h"
#include "process/hooks.h"
#include "process/process.h"
#include "process/signal/signal.h"
#include "process/system_calls.h"

static bool keys_restart = true; /* atomic; CAD_ON or CAD_OFF */

/* ---- what a person does ---- */

/* A first process that has no handler for it does not get it: signal(7), "init". */
static void tell_init(int signal)
{
    siginfo_t information = signal_information_kernel(signal);
    struct process *init = __atomic_load_n(&process_init, __ATOMIC_ACQUIRE);

    if (init)
        (void)signal_send_process(init, &information);
}

void machine_keys_pressed(void)
{
    if (!__atomic_load_n(&keys_restart, __ATOMIC_RELAXED))
        tell_init(SIGINT);
    else
        process_hooks.restart();
}

/* Linux leaves the button to a daemon on /dev/input, which is not there; SIGPWR is what an init
   otherwise gets when the power is about to go (signal(7)). */
void machine_button_pressed(void)
{
    tell_init(SIGPWR);
}

/* ---- reboot(2) ---- */

static _Noreturn void machine_halt(void)
{
    log_write(LOG_NOTICE, "system halted");
    cpu_halt_all();
}

static _Noreturn void machine_end(const char *what, void (*end)(void))
{
    log_write(LOG_NOTICE, "%s", what);
    end();
    machine_halt();
}

ssize_t sys_reboot(unsigned magic1, unsigned magic2, unsigned command, vaddr_t argument)
{
    (void)argument; /* a word for the firmware that only RESTART2 has */
    if (!credentials_capable(credentials_current(), CAP_SYS_BOOT))
        return -EPERM;
    if (magic1 != LINUX_REBOOT_MAGIC1 ||
        (magic2 != LINUX_REBOOT_MAGIC2 && magic2 != LINUX_REBOOT_MAGIC2A &&
         magic2 != LINUX_REBOOT_MAGIC2B && magic2 != LINUX_REBOOT_MAGIC2C))
        return -EINVAL;
    switch (command) {
    case LINUX_REBOOT_CMD_CAD_ON:
    case LINUX_REBOOT_CMD_CAD_OFF:
        __atomic_store_n(&keys_restart, command == LINUX_REBOOT_CMD_CAD_ON, __ATOMIC_RELAXED);
        return 0;
    case LINUX_REBOOT_CMD_RESTART:
    case LINUX_REBOOT_CMD_RESTART2:
        machine_end("restarting", process_hooks.restart);
    case LINUX_REBOOT_CMD_POWER_OFF:
        machine_end("powering off", process_hooks.power_off);
    case LINUX_REBOOT_CMD_HALT:
        machine_halt();
    default:
        return -EINVAL;
    }
}
