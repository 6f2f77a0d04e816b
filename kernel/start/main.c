#include <handoff.h>
#include <linux/elf.h>
#include <bsd/sys/queue.h>
#include <bsd/sys/tree.h>

void kernel_main(const struct handoff *handoff);
static const char *names[] = {"a", "b"};
const char *volatile pick;

void kernel_main(const struct handoff *handoff)
{
    pick = names[handoff->version & 1];
}
