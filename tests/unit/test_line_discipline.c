/* The terminal's line discipline: what becomes of what is typed and printed. */
#include "library/line_discipline.h"
#include "test.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

static struct line_discipline line;
static char echoed[1 << 16];
static size_t echoed_size;
static int signalled;
static bool flushed, flow_stopped;
static unsigned flow_changes;

static void record_output(struct line_discipline *from, const uint8_t *bytes, size_t size)
{
    (void)from;
    memcpy(echoed + echoed_size, bytes, size);
    echoed_size += size;
}

static void record_signal(struct line_discipline *from, int signal, bool flush)
{
    (void)from;
    signalled = signal;
    flushed = flush;
}

static void record_flow(struct line_discipline *from)
{
    flow_changes++;
    flow_stopped = from->stopped;
}

static void begin(const char *name)
{
    test_case("%s", name);
    echoed_size = 0;
    signalled = 0;
    flushed = false;
    flow_changes = 0;
    line_initialize(&line, record_output, record_signal, record_flow);
}

static size_t type(const char *text)
{
    return line_input(&line, (const uint8_t *)text, strlen(text));
}

static const char *echo(void)
{
    echoed[echoed_size] = '\0';
    echoed_size = 0;
    return echoed;
}

static const char *got(void)
{
    static char text[LINE_INPUT_SIZE + 1];
    bool ended;
    size_t size = line_read(&line, (uint8_t *)text, LINE_INPUT_SIZE, &ended);

    text[size] = '\0';
    return text;
}

static void change(tcflag_t input_on, tcflag_t input_off, tcflag_t local_on, tcflag_t local_off)
{
    struct termios2 settings = line.settings;

    settings.c_iflag = (settings.c_iflag | input_on) & ~input_off;
    settings.c_lflag = (settings.c_lflag | local_on) & ~local_off;
    line_set(&line, &settings);
}

static void raw(void)
{
    struct termios2 settings = line.settings;

    settings.c_iflag = 0;
    settings.c_oflag = 0;
    settings.c_lflag = 0;
    line_set(&line, &settings);
}

static const char *printed(const char *text)
{
    static uint8_t result[1024];
    size_t made;

    line_process_output(&line, (const uint8_t *)text, strlen(text), result, sizeof(result) - 1,
                        &made);
    result[made] = '\0';
    return (const char *)result;
}

static void test_lines(void)
{
    begin("a line is read when it is complete");
    type("abc");
    expect(!line_ready(&line));
    expect_string(got(), "");
    type("d\r");
    expect(line_ready(&line));
    expect_equal(line_readable(&line), 5);
    expect_string(got(), "abcd\n");
    expect_string(echo(), "abcd\r\n");

    begin("one line at a time");
    type("one\ntwo\n");
    expect_string(got(), "one\n");
    expect_string(got(), "two\n");

    begin("a line in pieces");
    uint8_t piece[3];
    bool ended;
    type("abcd\n");
    expect_equal(line_read(&line, piece, 3, &ended), 3);
    expect(!ended);
    expect_equal(line_read(&line, piece, 3, &ended), 2);
    expect(ended);

    begin("end of file");
    type("\004");
    expect(line_ready(&line));
    expect_equal(line_readable(&line), 0);
    expect_equal(line_read(&line, piece, 3, &ended), 0);
    expect(ended);
    type("abc\004");
    expect_equal(line_readable(&line), 3);
    expect_equal(line_read(&line, piece, 3, &ended), 3);
    expect(ended);
    expect(!line_ready(&line));

    begin("other ends of lines");
    struct termios2 settings = line.settings;
    settings.c_cc[VEOL] = ';';
    settings.c_cc[VEOL2] = ':';
    line_set(&line, &settings);
    type("a;b:c");
    expect_string(got(), "a;");
    expect_string(got(), "b:");
    expect_string(got(), "");

    begin("a line that is too long keeps its end");
    for (unsigned i = 0; i < LINE_INPUT_SIZE * 2; i++)
        type("x");
    type("\n");
    expect_equal(line_readable(&line), LINE_INPUT_SIZE - 1);
    expect(!line_accepts(&line));
    expect_equal(type("y"), 0);
    expect_equal(strlen(got()), LINE_INPUT_SIZE - 1);
    expect(line_accepts(&line));
}

static void test_editing(void)
{
    begin("erase");
    type("ab\177c\177\177\177\177x\n");
    expect_string(got(), "x\n");
    expect_string(echo(), "ab\b \bc\b \b\b \bx\r\n");

    begin("erase does not go into the line before");
    type("a\n\177b\n");
    expect_string(got(), "a\n");
    expect_string(got(), "b\n");

    begin("erase of a control character");
    type("\001\177");
    expect_string(echo(), "^A\b \b\b \b");

    begin("erase of a tab");
    type("ab\tc\177\177");
    expect_string(echo(), "ab\tc\b \b\b\b\b\b\b\b");
    type("\n");
    expect_string(got(), "ab\n");

    begin("erase of UTF-8");
    change(IUTF8, 0, 0, 0);
    type("a\xc3\xa4\177\n");
    expect_string(got(), "a\n");
    expect_string(echo(), "a\xc3\xa4\b \b\r\n");

    begin("erase without ECHOE");
    change(0, 0, 0, ECHOE);
    type("a\177");
    expect_string(echo(), "a^?");

    begin("erase on paper");
    change(0, 0, ECHOPRT, 0);
    type("ab\177\177c\n");
    expect_string(got(), "c\n");
    expect_string(echo(), "ab\\ba/c\r\n");

    begin("erase on paper, all of it");
    change(0, 0, ECHOPRT, 0);
    type("a\177\177");
    expect_string(echo(), "a\\a/");

    begin("kill");
    type("one two\025x\n");
    expect_string(got(), "x\n");
    expect_string(echo(), "one two\b \b\b \b\b \b\b \b\b \b\b \b\b \bx\r\n");

    begin("kill without ECHOKE");
    change(0, 0, 0, ECHOKE);
    type("ab\025x\n");
    expect_string(got(), "x\n");
    expect_string(echo(), "ab^U\r\nx\r\n");

    begin("kill without echo");
    change(0, 0, 0, ECHO);
    type("ab\025x\n");
    expect_string(got(), "x\n");
    expect_string(echo(), "");

    begin("word erase");
    type("one two  \027three\n");
    expect_string(got(), "one three\n");

    begin("literal next");
    type("\026\003\026\004\n");
    expect_string(got(), "\003\004\n");
    expect_equal(signalled, 0);
    expect_string(echo(), "^\b^C^\b^D\r\n");

    begin("a literal newline is shown as what it is");
    type("a\026\nb\n");
    expect_string(got(), "a\nb\n");
    expect_string(echo(), "a^\b^Jb\r\n");

    begin("outside canonical mode a newline is, too");
    change(0, 0, 0, ICANON);
    type("\n");
    expect_string(echo(), "^J");

    begin("erasing on paper is closed behind the newline");
    change(0, 0, ECHOPRT, 0);
    type("ab\177\nc\n");
    expect_string(echo(), "ab\\b\r\n/c\r\n");

    begin("erase of a tab that was typed before output processing went off");
    type("\t");
    struct termios2 settings = line.settings;
    settings.c_oflag = 0;
    line_set(&line, &settings);
    type("\177");
    expect_string(echo(), "\t\b\b\b\b\b\b\b\b");

    begin("reprint");
    type("ab\022c\n");
    expect_string(got(), "abc\n");
    expect_string(echo(), "ab^R\r\nabc\r\n");

    begin("without IEXTEN these are characters");
    change(0, 0, 0, IEXTEN);
    type("a\027\026\022\n");
    expect_string(got(), "a\027\026\022\n");
}

static void test_echo(void)
{
    begin("no echo");
    change(0, 0, 0, ECHO);
    type("secret\n");
    expect_string(echo(), "");
    change(0, 0, ECHONL, 0);
    type("secret\n");
    expect_string(echo(), "\r\n");

    begin("controls without ECHOCTL");
    change(0, 0, 0, ECHOCTL);
    type("\001\177");
    expect_string(echo(), "\001");
}

static void test_signals(void)
{
    static const struct {
        const char *key, *echo;
        int signal;
    } keys[] = {{"\003", "^C", SIGINT}, {"\034", "^\\", SIGQUIT}, {"\032", "^Z", SIGTSTP}};

    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        char name[32];

        snprintf(name, sizeof(name), "signal %d", keys[i].signal);
        begin(name);
        type("abc");
        echo();
        type(keys[i].key);
        expect_equal(signalled, keys[i].signal);
        expect(flushed);
        expect_string(echo(), keys[i].echo);
        type("\n");
        expect_string(got(), "\n");
    }

    begin("NOFLSH keeps what was typed");
    change(0, 0, NOFLSH, 0);
    type("abc\003\n");
    expect_equal(signalled, SIGINT);
    expect(!flushed);
    expect_string(got(), "abc\n");

    begin("without ISIG they are characters");
    change(0, 0, 0, ISIG);
    type("\003\n");
    expect_equal(signalled, 0);
    expect_string(got(), "\003\n");

    begin("a disabled character is none");
    struct termios2 settings = line.settings;
    settings.c_cc[VINTR] = 0;
    line_set(&line, &settings);
    line_input(&line, (const uint8_t *)"\0\003\n", 3);
    expect_equal(signalled, 0);
    expect_equal(line_readable(&line), 3);
}

static void test_flow(void)
{
    begin("stop and start");
    type("a\023b");
    expect(line.stopped);
    type("\021\n");
    expect(!line.stopped);
    expect_string(got(), "ab\n");

    begin("any character starts");
    change(IXANY, 0, 0, 0);
    type("\023x\n");
    expect(!line.stopped);
    expect_string(got(), "x\n");

    begin("a signal starts");
    type("\023\003");
    expect(!line.stopped);

    begin("turning it off starts");
    type("\023");
    change(0, IXON, 0, 0);
    expect(!line.stopped);
    type("\023\n");
    expect_string(got(), "\023\n");

    begin("what is held is only let go");
    line_hold(&line, true);
    expect(line.stopped && flow_stopped);
    type("\021\003");
    change(0, IXON, 0, 0);
    expect(line.stopped);
    expect_equal(flow_changes, 1);
    line_hold(&line, false);
    expect(!line.stopped && !flow_stopped);
    expect_equal(flow_changes, 2);

    begin("to hold and let go ends a stop, to let go does not");
    type("\023");
    line_hold(&line, false);
    expect(line.stopped);
    line_hold(&line, true);
    line_hold(&line, false);
    expect(!line.stopped);
    expect_equal(flow_changes, 2);

    begin("each change is told once");
    type("\023\023\021\021");
    expect_equal(flow_changes, 2);
}

static void test_external(void)
{
    begin("bytes that were processed elsewhere");
    change(0, 0, EXTPROC, 0);
    type("a\003\177\r");
    expect_string(got(), "a\003\177\r");
    expect_string(echo(), "");
    expect_equal(signalled, 0);
    change(ISTRIP, 0, 0, 0);
    type("\341\003");
    expect_string(got(), "a\003");
    expect_equal(signalled, 0);
}

static void test_input_modes(void)
{
    begin("carriage returns and newlines");
    change(INLCR, ICRNL, 0, ECHO);
    type("a\nb\004");
    expect_string(got(), "a\rb");
    change(IGNCR, INLCR, 0, 0);
    type("a\rb\n");
    expect_string(got(), "ab\n");

    begin("seven bits, lower case");
    change(ISTRIP | IUCLC, 0, 0, ECHO);
    type("\xc1"
         "BC\n");
    expect_string(got(), "abc\n");

    begin("marks");
    change(PARMRK, 0, 0, ECHO);
    type("\xff\n");
    expect_string(got(), "\xff\xff\n");

    begin("breaks");
    line_input_break(&line);
    expect_equal(line.head - line.tail, 1);
    change(PARMRK, 0, 0, 0);
    line_input_break(&line);
    expect_equal(line.head - line.tail, 4);
    change(BRKINT, PARMRK, 0, 0);
    line_input_break(&line);
    expect_equal(signalled, SIGINT);
    expect_equal(line.head - line.tail, 0);
    change(IGNBRK, 0, 0, 0);
    signalled = 0;
    line_input_break(&line);
    expect_equal(signalled, 0);
}

static void test_raw(void)
{
    uint8_t all[256], back[256];
    bool ended;

    begin("every byte passes unchanged");
    raw();
    for (unsigned i = 0; i < 256; i++)
        all[i] = i;
    for (unsigned round = 0; round < 100; round++) {
        expect_equal(line_input(&line, all, 256), 256);
        expect_equal(line_readable(&line), 256);
        expect_equal(line_read(&line, back, 256, &ended), 256);
        expect(memcmp(all, back, 256) == 0);
    }
    expect_equal(echoed_size, 0);
    expect_equal(signalled, 0);

    begin("a full buffer takes no more, and loses nothing");
    raw();
    size_t in = 0, out = 0;
    for (unsigned round = 0; round < 1000; round++) {
        uint8_t bytes[200];

        for (unsigned i = 0; i < 200; i++)
            bytes[i] = (uint8_t)((in + i) * 7);
        in += line_input(&line, bytes, 200);
        size_t size = line_read(&line, bytes, 150, &ended);
        for (size_t i = 0; i < size; i++) {
            if (bytes[i] != (uint8_t)((out + i) * 7))
                expect(false);
        }
        out += size;
    }
    expect(!line_accepts(&line) || line.head - line.tail < LINE_INPUT_SIZE);
    expect_equal(in - out, line_readable(&line));

    begin("raw with a carriage return to translate");
    raw();
    change(ICRNL, 0, 0, 0);
    type("a\rb");
    expect_string(got(), "a\nb");

    begin("raw becomes canonical: what is there is a line");
    raw();
    type("abc");
    change(0, 0, ICANON, 0);
    expect(line_ready(&line));
    expect_string(got(), "abc");

    begin("canonical becomes raw: half a line can be read");
    type("abc\n\004de");
    change(0, 0, 0, ICANON);
    expect_equal(line_readable(&line), 7);

    begin("flushing");
    type("abc\nde");
    line_flush(&line);
    expect(!line_ready(&line));
    type("f\n");
    expect_string(got(), "f\n");
}

static void test_output(void)
{
    struct termios2 settings;

    begin("newlines");
    expect_string(printed("a\nb"), "a\r\nb");

    begin("tabs as spaces");
    settings = line.settings;
    settings.c_oflag |= XTABS;
    line_set(&line, &settings);
    expect_string(printed("ab\tc\b\td"), "ab      c\b        d");

    begin("other output flags");
    settings = line.settings;
    settings.c_oflag = OPOST | OCRNL | OLCUC;
    line_set(&line, &settings);
    expect_string(printed("a\rb\n\001"), "A\nB\n\001");
    settings.c_oflag = OPOST | ONOCR | ONLRET;
    line_set(&line, &settings);
    line.column = 0;
    expect_string(printed("\ra\r\r\nb\tc"), "a\r\nb\tc");
    settings.c_oflag = OPOST | OCRNL | ONLRET;
    line_set(&line, &settings);
    expect_string(printed("a\r"), "a\n");
    expect_equal(line.column, 0);

    begin("no more than there is room for");
    uint8_t small[20];
    size_t made;
    size_t taken = line_process_output(&line, (const uint8_t *)"\n\n\n\n\n\n\n\n\n\n\n\n", 12,
                                       small, sizeof(small), &made);
    expect(taken < 12);
    expect_equal(made, taken * 2);
    expect(made <= sizeof(small));
    raw();
    taken = line_process_output(&line, (const uint8_t *)"abcdefghijklmnopqrstuvwxyz", 26, small,
                                sizeof(small), &made);
    expect_equal(taken, 20);
    expect_equal(made, 20);
}

int main(void)
{
    test_lines();
    test_editing();
    test_echo();
    test_signals();
    test_flow();
    test_external();
    test_input_modes();
    test_raw();
    test_output();
    return test_end();
}
