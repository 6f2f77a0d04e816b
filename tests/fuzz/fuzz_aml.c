/* The input is a definition block without its header. */
#include "fuzz.h"
#include "library/aml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct aml_sleep_type type = {0};

    for (unsigned state = 0; state <= 5; state++) {
        if (aml_sleep_type_find(data, size, state, &type))
            require(type.a <= 7 && type.b <= 7);
    }
    return 0;
}
