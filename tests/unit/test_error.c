/* Errors in words: what the C library says of the same numbers. */
#include "library/error.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "test.h"

int main(void)
{
    static const int known[] = {EPERM,  ENOENT, EIO,          ENOEXEC, ENOMEM,    EEXIST, ENOTDIR,
                                EINVAL, ENOSPC, ENAMETOOLONG, ENOSYS,  ENOTEMPTY, EDQUOT};

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        test_case("error %d is known", known[i]);
        expect_string(error_text(-known[i]), strerror(known[i]));
    }
    test_case("each number has the C library's words, or none");
    for (int error = 1; error < 4096; error++) {
        if (strcmp(error_text(-error), "Unknown error") != 0)
            expect_string(error_text(-error), strerror(error));
    }
    test_case("no error");
    expect_string(error_text(0), "Success");
    test_case("what is no errno");
    expect_string(error_text(INT_MIN), "Unknown error");
    expect_string(error_text(INT_MAX), "Unknown error");
    return test_end();
}
