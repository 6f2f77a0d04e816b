/* The first line of scripts; the verdicts are those that Linux 6.18 gave for such files. */
#include "library/script.h"
#include "test.h"

#include <errno.h>
#include <string.h>

#define array_length(array) (sizeof(array) / sizeof((array)[0]))

static struct script_line line;

/* Parses a file's first bytes, in a block of exactly the size that may be read. */
static int parse(const char *text, size_t size)
{
    char bytes[SCRIPT_LINE_MAXIMUM] = {0};

    memcpy(bytes, text, size < sizeof(bytes) ? size : sizeof(bytes));
    return script_line_parse(test_copy(bytes, sizeof(bytes)), &line);
}

static void test_lines(void)
{
    static const struct {
        const char *text;
        size_t size; /* 0: up to the NUL */
        int error;
        const char *interpreter, *argument;
    } cases[] = {
        {"#!/bin/sh\necho", 0, 0, "/bin/sh", NULL},
        {"#!/bin/sh", 0, 0, "/bin/sh", NULL},
        {"#! \t /bin/sh \t \n", 0, 0, "/bin/sh", NULL},
        {"#!/bin/sh -e\n", 0, 0, "/bin/sh", "-e"},
        {"#!/bin/sh\t-e  -x \t\n", 0, 0, "/bin/sh", "-e  -x"},
        {"#!/bin/sh -e", 0, 0, "/bin/sh", "-e"},
        {"#!a\n", 0, 0, "a", NULL},
        {"#!/bin/sh\r\n", 0, 0, "/bin/sh\r", NULL},
        {"#!/bin/sh\0x\n", 13, 0, "/bin/sh", NULL},
        {"#!/bin/sh \0x\n", 14, 0, "/bin/sh", ""},
        {"#!/bin/sh ", 0, 0, "/bin/sh", ""}, /* the file's end is a NUL */
        {"#!/bin/sh a\0b\n", 15, 0, "/bin/sh", "a"},
        {"#!\n", 0, ENOEXEC, NULL, NULL},
        {"#!   \n/bin/sh", 0, ENOEXEC, NULL, NULL},
        {"#! \t\n", 0, ENOEXEC, NULL, NULL},
        {"#!", 0, EACCES, NULL, NULL},
        {"#!    ", 0, EACCES, NULL, NULL},
        {"#!\0\n", 4, EACCES, NULL, NULL},
        {"#!\0/bin/sh\n", 11, EACCES, NULL, NULL},
    };
    for (size_t i = 0; i < array_length(cases); i++) {
        test_case("line [%s]", cases[i].text);
        size_t size = cases[i].size > 0 ? cases[i].size : strlen(cases[i].text);
        expect(script_is(cases[i].text, size));
        expect_equal(parse(cases[i].text, size), -cases[i].error);
        if (cases[i].error)
            continue;
        expect_string(line.interpreter, cases[i].interpreter);
        if (cases[i].argument)
            expect_string(line.argument, cases[i].argument);
        else
            expect(line.argument == NULL);
    }

    test_case("no script");
    expect(!script_is("#", 1));
    expect(!script_is("#!", 1));
    expect(!script_is(" #!", 3));
    expect(!script_is("", 0));
}

/* Names and arguments that end near the last byte that is looked at. */
static void test_lengths(void)
{
    static const struct {
        size_t name; /* letters of the interpreter's name */
        const char *rest;
        int error;
        const char *argument;
    } cases[] = {
        {252, "\n", 0, NULL},        {252, " xyz", 0, NULL},   {252, "", 0, NULL},
        {252, " \n", 0, NULL},       {253, "\n", 0, NULL},     {253, " xyz", 0, NULL},
        {253, "", 0, NULL},          {253, "\t x\n", 0, NULL}, {254, "\n", ENOEXEC, NULL},
        {254, " x", ENOEXEC, NULL},  {254, "", ENOEXEC, NULL}, {300, "\n", ENOEXEC, NULL},
        {250, " abcdef\n", 0, "ab"},
    };
    for (size_t i = 0; i < array_length(cases); i++) {
        char text[400] = "#!";
        test_case("name of %zu letters, then [%s]", cases[i].name, cases[i].rest);
        memset(text + 2, 'n', cases[i].name);
        strcpy(text + 2 + cases[i].name, cases[i].rest);
        expect_equal(parse(text, strlen(text)), -cases[i].error);
        if (cases[i].error)
            continue;
        expect_equal(strlen(line.interpreter), cases[i].name);
        if (cases[i].argument)
            expect_string(line.argument, cases[i].argument);
        else
            expect(line.argument == NULL || line.argument[0] == '\0');
    }

    char blanks[300];
    memset(blanks, ' ', sizeof(blanks));
    memcpy(blanks, "#!", 2);
    test_case("nothing but blanks");
    expect_equal(parse(blanks, 300), -ENOEXEC);
    test_case("blanks up to the last byte but one");
    expect_equal(parse(blanks, 255), -ENOEXEC);
    test_case("a name that begins at the last byte");
    blanks[255] = '/';
    expect_equal(parse(blanks, 300), -ENOEXEC);
    test_case("a name of one letter before the last byte");
    blanks[255] = ' ';
    blanks[254] = '/';
    expect_equal(parse(blanks, 300), 0);
    expect_string(line.interpreter, "/");
}

int main(void)
{
    test_lines();
    test_lengths();
    return test_end();
}
