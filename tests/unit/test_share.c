/* What users have had of the processors: who goes first. kernel/thread/share.c needs nothing of the
   kernel; its clock is an argument. */
#include "test.h"
#include "thread/share.c"

#include <string.h>

#define PERIOD (UINT64_C(1) << PERIOD_SHIFT)
#define USERS  5

static uint64_t now;

/* Each case begins so late that all before it has faded; nobody has had anything. */
static void begin(const char *name, struct processor_share users[static USERS])
{
    test_case("%s", name);
    now += 1000 * PERIOD;
    memset(users, 0, USERS * sizeof(*users));
    processor_share_charge(&(struct processor_share){0}, 0, now);
}

static int count_behind(const struct processor_share users[static USERS])
{
    int behind = 0;

    for (int i = 0; i < USERS; i++)
        behind += processor_share_is_behind(&users[i]);
    return behind;
}

static void test_two(void)
{
    struct processor_share users[USERS];

    begin("nobody has had anything: nobody is behind", users);
    expect_equal(count_behind(users), 0);

    begin("who has had nothing is behind, who has had most is not", users);
    processor_share_charge(&users[0], 1000, now);
    expect(!processor_share_is_behind(&users[0]));
    expect(processor_share_is_behind(&users[1]));

    begin("behind is less than half", users);
    processor_share_charge(&users[0], 1000, now);
    processor_share_charge(&users[1], 499, now);
    expect(processor_share_is_behind(&users[1]));
    processor_share_charge(&users[1], 1, now);
    expect(!processor_share_is_behind(&users[1]));

    begin("what a user has had is the sum of his threads'", users);
    processor_share_charge(&users[0], 1000, now);
    for (int i = 0; i < 100; i++)
        processor_share_charge(&users[1], 30, now);
    expect(!processor_share_is_behind(&users[1]));
    expect(processor_share_is_behind(&users[0]));
}

static void test_many(void)
{
    struct processor_share users[USERS];

    begin("among equals nobody is behind", users);
    for (int i = 0; i < USERS; i++)
        processor_share_charge(&users[i], 1000000, now);
    expect_equal(count_behind(users), 0);
    processor_share_charge(&users[2], 1000000, now);
    expect_equal(count_behind(users), 0);
    processor_share_charge(&users[2], 1, now);
    expect_equal(count_behind(users), USERS - 1);
    expect(!processor_share_is_behind(&users[2]));
}

static void test_fading(void)
{
    struct processor_share users[USERS];

    begin("what was had fades by half with each period", users);
    processor_share_charge(&users[0], 1000, now);
    processor_share_charge(&users[1], 500, now + 2 * PERIOD);
    expect(!processor_share_is_behind(&users[0])); /* 250 of 500 */
    processor_share_charge(&users[1], 1, now + 2 * PERIOD);
    expect(processor_share_is_behind(&users[0]));

    begin("one who waits comes to be behind nobody who stops, too", users);
    processor_share_charge(&users[0], 1000, now);
    processor_share_charge(&users[1], 600, now);
    processor_share_charge(&users[2], 0, now + 5 * PERIOD);
    expect(!processor_share_is_behind(&users[0]) && !processor_share_is_behind(&users[1]));

    begin("after 64 periods it is forgotten", users);
    processor_share_charge(&users[0], UINT64_MAX / 2, now);
    processor_share_charge(&users[1], 1, now + 64 * PERIOD);
    expect(!processor_share_is_behind(&users[1]));
    expect(processor_share_is_behind(&users[0]));
}

static void test_other_clock(void)
{
    struct processor_share users[USERS];

    begin("a processor whose clock is behind changes no sum but by what it adds", users);
    processor_share_charge(&users[0], 1000, now);
    processor_share_charge(&users[1], 499, now);
    processor_share_charge(&users[0], 0, now - 1);
    processor_share_charge(&users[1], 1, now - 1);
    expect_equal(users[0].used, 1000);
    expect_equal(users[1].used, 500);
    expect_equal(users[0].period, now / PERIOD);
    expect(!processor_share_is_behind(&users[1]));

    begin("one whose period is newer than what is asked about has what he has", users);
    processor_share_charge(&users[0], 1000, now);
    users[1] = (struct processor_share){.used = 1000, .period = users[0].period + 1};
    expect(!processor_share_is_behind(&users[1]));
}

/* Whatever was charged to whom and when, who has had most is not behind. */
static void test_any(void)
{
    struct processor_share users[USERS];
    uint64_t sums[USERS] = {0}, random = 1;
    int wrong = 0;

    begin("somebody is always first: who has had most", users);
    for (int i = 0; i < 20000; i++) {
        random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        int who = (int)(random >> 33) % USERS, most = 0;
        now += (random >> 20) % (PERIOD / 4);
        processor_share_charge(&users[who], (random >> 40) % 4000000, now);
        for (int user = 0; user < USERS; user++) {
            sums[user] = faded(&users[user], (uint32_t)(now / PERIOD));
            most = sums[user] > sums[most] ? user : most;
        }
        for (int user = 0; user < USERS; user++)
            wrong += processor_share_is_behind(&users[user]) != (2 * sums[user] < sums[most]);
    }
    expect_equal(wrong, 0);
}

int main(void)
{
    test_two();
    test_many();
    test_fading();
    test_other_clock();
    test_any();
    return test_end();
}
