/* Whom to believe about the time. */
#include "library/clock_choice.h"
#include "test.h"

#define GHZ UINT64_C(1000000000)

static void test_choice(void)
{
    static const struct {
        const char *name;
        uint64_t frequency[4];
        int chosen;
    } cases[] = {
        {"nobody says anything", {0, 0, 0, 0}, -1},
        {"one alone", {0, 2 * GHZ, 0, 0}, 1},
        {"two agree", {2 * GHZ, 2 * GHZ + 1000, 0, 0}, 0},
        {"the first stands still", {0, 2 * GHZ, 2 * GHZ, 0}, 1},
        {"the first is mad, two agree", {5 * GHZ, 2 * GHZ, 2 * GHZ, 0}, 1},
        {"the second is mad", {2 * GHZ, 5 * GHZ, 2 * GHZ, 0}, 0},
        {"the last one decides", {5 * GHZ, 2 * GHZ, 0, 2 * GHZ}, 1},
        {"all differ", {5 * GHZ, 2 * GHZ, 3 * GHZ, 1 * GHZ}, 0},
        {"nearly the same", {3200000000, 3290000000, 0, 0}, 0},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct clock_witness witnesses[4];
        for (size_t at = 0; at < 4; at++)
            witnesses[at] = (struct clock_witness){"a clock", cases[i].frequency[at]};
        test_case("%s", cases[i].name);
        expect_equal(clock_choose(witnesses, 4), cases[i].chosen);
    }
    test_case("who agrees");
    expect(clock_witnesses_agree(3200000000, 3290000000));
    expect(clock_witnesses_agree(3200000000, 3100000000));
    expect(!clock_witnesses_agree(3200000000, 3400000000));
    expect(!clock_witnesses_agree(0, 0));
    expect(!clock_witnesses_agree(UINT64_MAX, 1));
}

static void test_stated(void)
{
    static const struct {
        const char *name;
        struct clock_leaves leaves;
        uint64_t frequency;
    } cases[] = {
        {"nothing", {0}, 0},
        {"crystal and ratio", {2, 200, 24000000, 0, 0}, 2400000000},
        {"no crystal, but a base", {2, 200, 0, 2400, 0}, 2400000000},
        {"a base without a ratio", {0, 0, 0, 2400, 0}, 0},
        {"no numerator", {2, 0, 24000000, 2400, 0}, 0},
        {"a hypervisor", {0, 0, 0, 0, 2300000}, 2300000000},
        {"a hypervisor before leaves", {2, 200, 24000000, 2400, 2300000}, 2300000000},
        {"too slow", {200, 2, 24000000, 0, 0}, 0},
        {"too fast", {1, UINT32_MAX, UINT32_MAX, 0, 0}, 0},
        {"a hypervisor that is mad", {0, 0, 0, 0, 1}, 0},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        test_case("CPUID: %s", cases[i].name);
        expect_equal(clock_stated_frequency(&cases[i].leaves), cases[i].frequency);
    }
}

int main(void)
{
    test_choice();
    test_stated();
    return test_end();
}
