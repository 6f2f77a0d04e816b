/*
 * exec_segments: what becomes of an ELF file's segments in memory: places, rights, bss, alignment.
 * Part of the table of exec_cases.h.
 */
#define _GNU_SOURCE
#include <elf.h>

#include "exec_image_builder.h"

/* ---- segments ---- */

static bool text_not_writable(void)
{
    begin(ET_EXEC);
    REQUIRE_KILLED(SIGSEGV, order('w', BASE, 0));
    return true;
}
static bool data_not_executable(void)
{
    begin(ET_EXEC);
    add(PT_LOAD, PF_R | PF_W, BASE + DATA, DATA, PAGE, PAGE);
    REQUIRE_KILLED(SIGSEGV, order('w', BASE + DATA, 0), order('c', BASE + DATA, 0));
    return true;
}
static bool data_not_writable(void)
{
    begin(ET_EXEC);
    add(PT_LOAD, PF_R, BASE + DATA, DATA, PAGE, PAGE);
    REQUIRE_KILLED(SIGSEGV, order('b', BASE + DATA, 0x11), order('w', BASE + DATA, 0));
    return true;
}
static bool all_permissions(void)
{
    begin(ET_EXEC);
    add(PT_LOAD, PF_R | PF_W | PF_X, BASE + DATA, DATA, PAGE, PAGE);
    REQUIRE_WELL(order('w', BASE + DATA, 0), order('c', BASE + DATA, 0));
    return true;
}
static bool no_permissions(void)
{
    begin(ET_EXEC);
    add(PT_LOAD, 0, BASE + DATA, DATA, PAGE, PAGE);
    REQUIRE_KILLED(SIGSEGV, order('b', BASE + DATA, 0x11));
    return true;
}
static bool write_implies_read(void)
{
    begin(ET_EXEC);
    add(PT_LOAD, PF_W, BASE + DATA, DATA, PAGE, PAGE);
    REQUIRE_WELL(order('b', BASE + DATA, 0x11), order('w', BASE + DATA, 0));
    return true;
}
static bool execute_only(void)
{
    begin(ET_EXEC);
    file.headers[0].p_flags = PF_X;
    REQUIRE_WELL();
    return true;
}
static bool private_data(void)
{
    begin(ET_EXEC);
    add(PT_LOAD, PF_R | PF_W, BASE + DATA, DATA, 2 * PAGE, 2 * PAGE);
    REQUIRE_WELL(order('w', BASE + DATA, 0), order('w', BASE + DATA + PAGE, 0));
    REQUIRE_WELL(order('b', BASE + DATA, 0x11), order('b', BASE + DATA + PAGE, 0x22));
    return true;
}
static bool bss_in_page(void)
{
    begin(ET_EXEC);
    add(PT_LOAD, PF_R | PF_W, BASE + DATA, DATA, 100, 200);
    REQUIRE_WELL(order('b', BASE + DATA + 99, 0x11), order('z', BASE + DATA + 100, PAGE - 100));
    return true;
}
static bool bss_of_pages(void)
{
    begin(ET_EXEC);
    add(PT_LOAD, PF_R | PF_W, BASE + DATA, DATA, 100, 5 * PAGE + 50);
    REQUIRE_WELL(order('b', BASE + DATA + 99, 0x11), order('z', BASE + DATA + 100, 6 * PAGE - 100),
                 order('w', BASE + DATA + 5 * PAGE + 49, 0));
    return true;
}
static bool bss_ends_with_region(void)
{
    begin(ET_EXEC);
    add(PT_LOAD, PF_R | PF_W, BASE + DATA, DATA, 100, 5 * PAGE + 50);
    REQUIRE_KILLED(SIGSEGV, order('w', BASE + DATA + 6 * PAGE - 1, 0),
                   order('w', BASE + DATA + 6 * PAGE, 0));
    return true;
}
static bool bss_after_whole_page(void)
{
    begin(ET_EXEC);
    add(PT_LOAD, PF_R | PF_W, BASE + DATA, DATA, PAGE, 3 * PAGE);
    REQUIRE_WELL(order('b', BASE + DATA + 4095, 0x11), order('z', BASE + DATA + PAGE, 2 * PAGE));
    return true;
}
static bool bss_only(void)
{
    begin(ET_EXEC);
    add(PT_LOAD, PF_R | PF_W, BASE + DATA, 0, 0, 3 * PAGE);
    REQUIRE_WELL(order('z', BASE + DATA, 3 * PAGE), order('w', BASE + DATA + 2 * PAGE, 0));
    return true;
}
static bool bss_mid_page(void)
{
    begin(ET_EXEC);
    add(PT_LOAD, PF_R | PF_W, BASE + DATA + 0x123, DATA + 0x123, 0x200, 0x200 + 3 * PAGE);
    REQUIRE_WELL(order('b', BASE + DATA + 0x322, 0x11), order('z', BASE + DATA + 0x323, 3 * PAGE),
                 order('b', BASE + DATA, 0x11)); /* the file's bytes before it, too */
    return true;
}
static bool file_fills_page(void)
{
    begin(ET_EXEC);
    add(PT_LOAD, PF_R | PF_W, BASE + DATA, DATA, 100, 100);
    REQUIRE_WELL(order('b', BASE + DATA + 99, 0x11), order('b', BASE + DATA + 100, 0x11));
    return true;
}
static bool file_ends_in_page(void)
{
    begin(ET_EXEC);
    file.size = DATA + 100;
    add(PT_LOAD, PF_R | PF_W, BASE + DATA, DATA, 100, 100);
    REQUIRE_WELL(order('b', BASE + DATA + 99, 0x11), order('z', BASE + DATA + 100, PAGE - 100));
    return true;
}
static bool bss_large(void)
{
    begin(ET_EXEC);
    add(PT_LOAD, PF_R | PF_W, BASE + DATA, DATA, 100, 300UL << 20);
    REQUIRE_WELL(order('z', BASE + DATA + (200UL << 20), 2 * PAGE),
                 order('w', BASE + DATA + (300UL << 20) - 1, 0));
    return true;
}
static bool one_file_page_twice(void)
{
    begin(ET_EXEC);
    add(PT_LOAD, PF_R, BASE + DATA, DATA, 100, 100);
    add(PT_LOAD, PF_R | PF_W, BASE + DATA + PAGE + 100, DATA + 100, 100, 100);
    REQUIRE_WELL(order('b', BASE + DATA + 99, 0x11), order('b', BASE + DATA + PAGE + 100, 0x11),
                 order('w', BASE + DATA + PAGE + 100, 0));
    return true;
}
static bool shared_page(void)
{
    begin(ET_EXEC);
    add(PT_LOAD, PF_R, BASE + DATA, DATA, PAGE + 100, PAGE + 100);
    add(PT_LOAD, PF_R | PF_W, BASE + DATA + PAGE + 100, DATA + PAGE + 100, 100, 3000);
    REQUIRE_WELL(order('b', BASE + DATA + PAGE + 99, 0x22), order('w', BASE + DATA + PAGE, 0),
                 order('w', BASE + DATA + PAGE + 100, 0));
    return true;
}
static bool shared_page_with_text(void)
{
    begin(ET_EXEC);
    file.headers[0].p_filesz = file.headers[0].p_memsz = TEXT_SIZE - 100;
    add(PT_LOAD, PF_R | PF_W, BASE + TEXT_SIZE - 100, TEXT_SIZE - 100, 200, 300);
    REQUIRE_WELL(order('w', BASE + TEXT_SIZE - 100, 0), order('b', BASE + TEXT_SIZE + 99, 0x11),
                 order('z', BASE + TEXT_SIZE + 100, 100));
    return true;
}
static bool overlapping(void)
{
    begin(ET_EXEC);
    add(PT_LOAD, PF_R, BASE + DATA, DATA, 4 * PAGE, 4 * PAGE);
    add(PT_LOAD, PF_R | PF_W, BASE + DATA + PAGE, DATA + 8 * PAGE, PAGE, PAGE);
    REQUIRE_WELL(order('b', BASE + DATA, 0x11), order('b', BASE + DATA + PAGE, 0x99),
                 order('b', BASE + DATA + 2 * PAGE, 0x33), order('w', BASE + DATA + PAGE, 0));
    return true;
}
static bool unsorted(void)
{
    begin(ET_EXEC);
    add(PT_LOAD, PF_R | PF_W, BASE + DATA + 8 * PAGE, DATA + PAGE, PAGE, PAGE);
    add(PT_LOAD, PF_R | PF_W, BASE + DATA, DATA, PAGE, PAGE);
    REQUIRE_WELL(order('b', BASE + DATA, 0x11), order('b', BASE + DATA + 8 * PAGE, 0x22),
                 order('g', BASE + DATA + 9 * PAGE, PAGE));
    return true;
}
static bool gap_stays_unmapped(void)
{
    begin(ET_DYN);
    add(PT_LOAD, PF_R | PF_W, 64 * PAGE, DATA, PAGE, PAGE);
    REQUIRE_KILLED(SIGSEGV, order('w', 64 * PAGE, 0), order('b', 40 * PAGE, 0));
    return true;
}
static bool first_address_not_zero(void)
{
    begin(ET_DYN);
    file.headers[0].p_vaddr += 0x7000000;
    file.header.e_entry += 0x7000000;
    add(PT_LOAD, PF_R | PF_W, 0x7000000 + DATA, DATA, PAGE, 2 * PAGE);
    REQUIRE_WELL(vector('A', AT_PHDR, -(int64_t)(ENTRY - sizeof(Elf64_Ehdr))));
    return true;
}
static bool file_larger_than_memory(void)
{
    begin(ET_EXEC);
    add(PT_LOAD, PF_R | PF_W, BASE + DATA, 1UL << 40, PAGE, 2 * PAGE);
    REQUIRE(file_write(image_name(), file.bytes, file.size, 0755));
    int image = open(image_name(), O_WRONLY);
    REQUIRE(pwrite(image, "far", 3, 1L << 40) == 3 && ftruncate(image, (1L << 40) + PAGE) == 0);
    close(image);
    REQUIRE_WELL(order('b', BASE + DATA, 'f'), order('z', BASE + DATA + 3, 2 * PAGE - 3));
    REQUIRE(unlink(image_name()) == 0);
    return true;
}
static bool segment_larger_than_memory(void)
{
    begin(ET_EXEC);
    add(PT_LOAD, PF_R, 0x10000000000, PAGE, 1UL << 40, 1UL << 40);
    REQUIRE(file_write(image_name(), file.bytes, file.size, 0755));
    REQUIRE(truncate(image_name(), (1L << 40) + PAGE) == 0);
    REQUIRE_WELL(order('z', 0x10000000000 + (1L << 39), PAGE));
    REQUIRE(unlink(image_name()) == 0);
    return true;
}
static bool empty_segment(void)
{
    begin(ET_EXEC);
    add(PT_LOAD, PF_R, BASE + 100 * PAGE, 0, 0, 0);
    REQUIRE_WELL();
    return true;
}
static bool heap_behind_image(void)
{
    begin(ET_EXEC);
    add(PT_LOAD, PF_R | PF_W, BASE + DATA, DATA, 100, 3 * PAGE);
    REQUIRE_WELL(order('g', BASE + DATA + 3 * PAGE, 10 * PAGE));
    return true;
}

/* ---- alignment ---- */

/* Several times: the place is random. */
static bool aligned(uint64_t alignment, uint64_t multiple)
{
    uint64_t place = 0x400000;

    begin(ET_DYN);
    file.headers[0].p_align = alignment;
    add(PT_LOAD, PF_R | PF_W, place, DATA, 100, 3 * PAGE)->p_align = alignment;
    for (int at = 0; at < 4; at++)
        REQUIRE_WELL(order('m', 0, multiple), order('b', place, 0x11),
                     order('z', place + 100, 3 * PAGE - 100));
    return true;
}
static bool aligned_none(void)
{
    return aligned(0, PAGE) && unlink(image_name()) == 0 && aligned(1, PAGE);
}
static bool aligned_page(void)
{
    return aligned(PAGE, PAGE);
}
static bool aligned_64k(void)
{
    return aligned(0x10000, 0x10000);
}
static bool aligned_2m(void)
{
    return aligned(0x200000, 0x200000);
}
static bool aligned_no_power(void)
{
    return aligned(0x3000, PAGE);
}
static bool aligned_second_segment(void)
{
    begin(ET_DYN);
    add(PT_LOAD, PF_R | PF_W, 0x400000, DATA, 100, 100)->p_align = 0x200000;
    for (int at = 0; at < 4; at++)
        REQUIRE_WELL(order('m', 0, 0x200000), order('m', 0x400000, 0x200000));
    return true;
}
static bool aligned_fixed(void)
{
    begin(ET_EXEC);
    file.headers[0].p_align = 0x40000000; /* says nothing: its place is fixed */
    REQUIRE_WELL(vector('a', AT_ENTRY, BASE + ENTRY));
    return true;
}

static const struct exec_case cases[] = {
    CASE("text cannot be written", "elf(5), p_flags", text_not_writable),
    CASE("data cannot be executed", "elf(5), p_flags", data_not_executable),
    CASE("constants cannot be written", "elf(5), p_flags", data_not_writable),
    CASE("a segment may allow everything", "elf(5), p_flags", all_permissions),
    CASE("a segment may allow nothing", "elf(5), p_flags", no_permissions),
    CASE("what may be written may be read", "mmap(2), NOTES", write_implies_read),
    CASE("text may be for execution only", "elf(5), p_flags", execute_only),
    CASE("what is written does not reach the file", "mmap(2), MAP_PRIVATE", private_data),
    CASE("bss within a page", "elf(5), p_memsz", bss_in_page),
    CASE("bss that ends in mid-page", "elf(5), p_memsz", bss_of_pages),
    CASE("behind the bss nothing is mapped", "elf(5), p_memsz", bss_ends_with_region),
    CASE("bss behind a whole page", "elf(5), p_memsz", bss_after_whole_page),
    CASE("a segment of bss only", "elf(5), p_filesz", bss_only),
    CASE("data and bss that begin in mid-page", "elf(5), p_memsz", bss_mid_page),
    CASE("without bss the file fills the last page", "elf(5), p_filesz", file_fills_page),
    CASE("behind the file's end the last page is zeros", "mmap(2)", file_ends_in_page),
    CASE("bss of 300 MiB", "elf(5), p_memsz", bss_large),
    CASE("one page of the file in two segments", "elf(5), p_offset", one_file_page_twice),
    CASE("segments that share a page: the later one's", "elf(5), p_vaddr", shared_page),
    CASE("text and data that share a page", "elf(5), p_vaddr", shared_page_with_text),
    CASE("segments that overlap: the later one's pages", "mmap(2), MAP_FIXED", overlapping),
    CASE("segments in any order", "elf(5), p_vaddr", unsorted),
    CASE("between segments nothing is mapped", "elf(5), p_vaddr", gap_stays_unmapped),
    CASE("ET_DYN whose first address is not 0", "elf(5), p_vaddr", first_address_not_zero),
    CASE("a file larger than memory", "elf(5), p_offset", file_larger_than_memory),
    CASE("a segment larger than memory", "elf(5), p_filesz", segment_larger_than_memory),
    CASE("a segment of no bytes", "elf(5), p_memsz", empty_segment),
    CASE("the heap begins behind the bss", "brk(2)", heap_behind_image),
    CASE("p_align 0 and 1", "elf(5), p_align", aligned_none),
    CASE("p_align of a page", "elf(5), p_align", aligned_page),
    CASE("p_align of 64 KiB", "elf(5), p_align", aligned_64k),
    CASE("p_align of 2 MiB", "elf(5), p_align", aligned_2m),
    CASE("p_align that is no power of two is ignored", "elf(5), p_align", aligned_no_power),
    CASE("p_align of a later segment", "elf(5), p_align", aligned_second_segment),
    CASE("p_align of a fixed image", "elf(5), p_align", aligned_fixed),
};

int main(int count, char **arguments)
{
    return exec_cases_main(cases, array_length(cases), count, arguments);
}
