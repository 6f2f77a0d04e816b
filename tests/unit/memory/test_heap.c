/*
 * test_heap.c: blocks of every size and kernel stacks, made and freed at random, against a model:
 * none lies in another, none beside another without an unmapped page between, each keeps what was
 * written there, and when all are gone nothing is left of them, whatever was in use at once.
 */
#include <stdio.h>
#include <string.h>

#include "machine.h"
#include "memory/frame.h"
#include "memory/heap.h"
#include "memory/kernel_space.h"
#include "test.h"

#define BLOCKS 300

static struct block {
    unsigned char *memory; /* NULL: there is none */
    size_t size;
    bool stack;
    unsigned char mark;
} blocks[BLOCKS];

static uint64_t state = 1;

static unsigned pick(unsigned count)
{
    state = state * 6364136223846793005 + 1442695040888963407;
    return (unsigned)(state >> 33) % count;
}

static size_t pick_size(void)
{
    switch (pick(8)) {
    case 0:
        return 4097 + pick(7 * PAGE_SIZE); /* about a slot */
    case 1:
        return pick(40) * PAGE_SIZE + 1;
    case 2:
        return 250 * PAGE_SIZE + pick(20 * PAGE_SIZE); /* half a table */
    case 3:
        return pick(4) ? 1 + pick(100000) : 500 * PAGE_SIZE + pick(600 * PAGE_SIZE); /* several */
    default:
        return 1 + pick(5000);
    }
}

/* Blocks of more than a page are mapped, with an unmapped page on either side. */
static void check_place(const struct block *block)
{
    vaddr_t start = (vaddr_t)block->memory;
    size_t pages = (block->size + PAGE_SIZE - 1) / PAGE_SIZE;

    if (pages == 1)
        return;
    expect(start % PAGE_SIZE == 0 && start >= KERNEL_HEAP_BASE);
    expect_equal(kernel_page_frame(start - PAGE_SIZE), 0);
    expect_equal(kernel_page_frame(start + pages * PAGE_SIZE), 0);
    for (size_t i = 0; i < pages; i++)
        expect(kernel_page_frame(start + i * PAGE_SIZE) != 0);
}

static void make(struct block *block)
{
    block->stack = pick(3) == 0;
    block->size = block->stack ? KERNEL_STACK_SIZE : pick_size();
    block->mark = (unsigned char)pick(256);
    block->memory =
        block->stack ? (unsigned char *)kernel_stack_allocate() : heap_allocate(block->size);
    if (!block->memory)
        return; /* an allocation failed */
    check_place(block);
    memset(block->memory, block->mark, block->size);
}

static void end(struct block *block)
{
    for (size_t at = 0; at < block->size; at += at + 1 < block->size ? block->size - 1 - at : 1)
        expect_equal(block->memory[at], block->mark);
    if (block->stack)
        kernel_stack_free((vaddr_t)block->memory);
    else
        heap_free(block->memory);
    block->memory = NULL;
}

static void play(unsigned steps, bool failures)
{
    struct frame_counts before, after;

    heap_trim(0);
    heap_reclaim();
    uint64_t used = heap_bytes_used();
    frame_count(&before);
    for (unsigned i = 0; i < steps; i++) {
        struct block *block = &blocks[pick(BLOCKS)];
        machine_count_from_here(failures ? 1 + pick(12) : 0);
        if (block->memory)
            end(block);
        else
            make(block);
        if (pick(50) == 0)
            heap_trim(pick(40));
    }
    machine_count_from_here(0);
    for (unsigned i = 0; i < BLOCKS; i++)
        if (blocks[i].memory)
            end(&blocks[i]);
    heap_trim(0);
    heap_reclaim();
    frame_count(&after);
    expect_equal(heap_bytes_used(), used);
    for (int owner = 0; owner < FRAME_OWNER_COUNT; owner++)
        expect_equal(after.by_owner[owner], before.by_owner[owner]);
    expect_equal(machine_heap_tables(), 0);
}

int main(void)
{
    machine_start();
    test_case("blocks at random are apart, keep what they hold, and leave nothing");
    play(20000, false);
    test_case("the same with failing allocations");
    play(20000, true);

    test_case("the lowest free place is taken");
    vaddr_t first = kernel_stack_allocate(), second = kernel_stack_allocate();
    void *large = heap_allocate(100 * PAGE_SIZE);
    expect(first < second && second < (vaddr_t)large);
    kernel_stack_free(first);
    heap_trim(0);
    expect_equal(kernel_stack_allocate(), first);
    heap_free(large);
    kernel_stack_free(first);
    kernel_stack_free(second);

    test_case("what ended is there for the next of its size, and goes back when there is much");
    heap_trim(0);
    void *one = heap_allocate(5 * PAGE_SIZE), *many[200];
    heap_free(one);
    expect(heap_allocate(6 * PAGE_SIZE) != one);
    expect(heap_allocate(5 * PAGE_SIZE) == one);
    expect_equal(heap_trim(0), false);
    heap_free(one);
    expect_equal(heap_trim(5), false);
    expect_equal(heap_trim(4), true);
    for (unsigned i = 0; i < array_length(many); i++)
        many[i] = heap_allocate(4 * PAGE_SIZE);
    for (unsigned i = 0; i < array_length(many); i++)
        heap_free(many[i]);
    unsigned mapped = 0;
    for (unsigned i = 0; i < array_length(many); i++)
        mapped += kernel_page_frame((vaddr_t)many[i]) != 0;
    expect(mapped > 0 && mapped < array_length(many) / 2);

    test_case("what is larger than all addresses is refused");
    expect(!heap_allocate(KERNEL_HEAP_SIZE));
    expect(!heap_allocate(UINT64_MAX));
    return test_end();
}
