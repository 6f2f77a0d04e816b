/*
 * devices.c: what /proc says of devices, drivers and file systems (proc(5)). There are no
 * swap, networks or modules: what lists them is there, and lists none.
 */
#include <linux/stat.h>

#include "file/device.h"
#include "file/tree/file_system_type.h"
#include "library/string.h"
#include "proc/proc.h"
#include "socket/view.h"
#include "thread/preemption.h"

static int file_systems_show(const struct pseudo_key *key, struct text *text)
{
    const struct file_system_type *type = NULL;

    (void)key;
    while ((type = file_system_type_next(type)))
        text_print(text, "%s\t%s\n", type->on_device ? "" : "nodev", type->name);
    return 0;
}

/* Each major number once: what stands behind one shares it. */
struct device_list {
    struct text *text;
    enum device_type type;
    const struct device *last;
};

static void device_show(const struct device *device, void *context)
{
    struct device_list *list = context;

    if (device->type != list->type || (list->last && list->last->major == device->major))
        return;
    text_print(list->text, "%3u %s\n", device->major, device->name);
    list->last = device;
}

static int devices_show(const struct pseudo_key *key, struct text *text)
{
    struct device_list characters = {.text = text, .type = DEVICE_CHARACTER};
    struct device_list blocks = {.text = text, .type = DEVICE_BLOCK};

    (void)key;
    text_print(text, "Character devices:\n");
    device_for_each(device_show, &characters);
    text_print(text, "\nBlock devices:\n");
    device_for_each(device_show, &blocks);
    return 0;
}

#define EMPTY(function, heading)                                                                   \
    static int function(const struct pseudo_key *key, struct text *text)                           \
    {                                                                                              \
        (void)key;                                                                                 \
        text_append(text, heading, sizeof(heading) - 1);                                           \
        return 0;                                                                                  \
    }
/* The headings are as wide as Linux's. */
EMPTY(nothing_show, "")
EMPTY(swaps_show, "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n")
EMPTY(
    interfaces_show,
    "Inter-|   Receive                                                |  Transmit\n face |bytes    "
    "packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls "
    "carrier "
    "compressed\n")
#define ADDRESSES                                                                                  \
    "local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode"
#define ADDRESSES6                                                                                 \
    "local_address                         remote_address                        st tx_queue "     \
    "rx_queue tr tm->when retrnsmt   uid  timeout inode"
EMPTY(streams_show, "  sl  " ADDRESSES "                                                     \n")
EMPTY(streams6_show, "  sl  " ADDRESSES6 "\n")
EMPTY(datagrams_show, "   sl  " ADDRESSES " ref pointer drops             \n")
EMPTY(raw_show, "  sl  " ADDRESSES " ref pointer drops\n")
EMPTY(datagrams6_show, "  sl  " ADDRESSES6 " ref pointer drops\n")
EMPTY(neighbours_show,
      "IP address       HW type     Flags       HW address            Mask     Device\n")

/* As Linux's columns are; where a socket lies is nobody's business. */
static void socket_show(const struct socket_view *view, struct text *text)
{
    bool abstract = view->name_length && !view->name[0];
    unsigned end = view->name_length - (view->name_length && !abstract); /* without its NUL */

    text_print(text, "%016x: %08X 00000000 %08X %04X %02X %5lu", 0, view->references,
               view->listening ? 1U << 16 : 0, view->type, view->state, view->number);
    for (unsigned i = 0; i < end; i++)
        text_print(text, "%s%c", i ? "" : " ", view->name[i] ? view->name[i] : '@');
    text_print(text, "\n");
}

static int sockets_show(const struct pseudo_key *key, struct text *text)
{
    struct socket *socket = NULL;
    struct socket_view view;

    (void)key;
    text_print(text, "Num       RefCount Protocol Flags    Type St Inode Path\n");
    while ((socket = socket_next(socket))) {
        socket_look(socket, &view);
        socket_show(&view, text);
        thread_preemption_point();
    }
    return 0;
}

static struct pseudo_node net_files[] = {
    PSEUDO_SHOW("arp", neighbours_show),   PSEUDO_SHOW("dev", interfaces_show),
    PSEUDO_SHOW("if_inet6", nothing_show), PSEUDO_SHOW("raw", raw_show),
    PSEUDO_SHOW("raw6", datagrams6_show),  PSEUDO_SHOW("route", nothing_show),
    PSEUDO_SHOW("tcp", streams_show),      PSEUDO_SHOW("tcp6", streams6_show),
    PSEUDO_SHOW("udp", datagrams_show),    PSEUDO_SHOW("udp6", datagrams6_show),
    PSEUDO_SHOW("unix", sockets_show),
};
/* In each process's directory: a process's networks are all that there are. */
struct pseudo_node proc_net_directory = {
    .name = "net",
    .mode = S_IFDIR | 0555,
    .children = net_files,
    .child_count = array_length(net_files),
};

static struct pseudo_node device_nodes[] = {
    PSEUDO_SHOW("devices", devices_show),
    PSEUDO_SHOW("filesystems", file_systems_show),
    PSEUDO_SHOW("modules", nothing_show),
    {.name = "net", .mode = S_IFLNK | 0777, .text = "self/net"},
    PSEUDO_SHOW("swaps", swaps_show),
};

void proc_devices_initialize(void)
{
    pseudo_add(&proc_root, device_nodes, array_length(device_nodes));
}
