// SPDX-License-Identifier: BSD-3-Clause
/*
 * A planted fault, to show that the fuzzers can fail: it reads one byte too many of an IU that begins as a CMD does
 * and announces immediate data. run-fuzzers must see this program die.
 */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > 6 && data[0] == 0x02 && data[5] == 0x30 && data[6] == 0x5a)
		return fuzz_touch(data, size + 1) == 0x12345678;
	return 0;
}
