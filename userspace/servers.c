/* servers.c: see servers.h. */
#include "servers.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static bool is_server(int pid)
{
    char path[64], first = '\0';

    snprintf(path, sizeof(path), "/proc/%d/cmdline", pid);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return false;
    bool marked = read(file, &first, 1) == 1 && first == SERVER_MARK[0];
    close(file);
    return marked;
}

/* To those that are servers, or to those that are not. */
static bool signal_those(int signal, bool servers)
{
    DIR *processes = opendir("/proc");
    struct dirent *entry;
    bool any = false;

    while (processes && (entry = readdir(processes))) {
        int pid = atoi(entry->d_name);
        if (pid > 0 && pid != getpid() && is_server(pid) == servers && kill(pid, signal) == 0)
            any = true;
    }
    if (processes)
        closedir(processes);
    return any;
}

bool servers_signal(int signal)
{
    return signal_those(signal, true);
}

bool others_signal(int signal)
{
    return servers_signal(0) ? signal_those(signal, false) : kill(-1, signal) == 0;
}
