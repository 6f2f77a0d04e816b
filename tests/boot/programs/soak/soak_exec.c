/* soak_exec: a million execs in a chain; exec_chain.c tells what is checked. */
#define CHAIN_LENGTH 1000000
#include "exec/exec_chain.c"
