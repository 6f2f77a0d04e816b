/* exec_target: what exec_basic turns into. */
#include <stdio.h>

int main(void)
{
    puts("EXEC_OK");
    return 0;
}
