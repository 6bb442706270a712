/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The table of outcomes: complete, consistent with the standards' numbers, and the same as docs/errors.md.
 * UPDATE_DOCS=1 in the environment writes the document.
 */
#include "../../../gateway/core/outcome.h"

#include "cmocka_all.h"
#include "docfile.h"

#include <stdio.h>
#include <string.h>

static void test_rows_are_complete(void **state)
{
	(void)state;
	for (int o = 1; o < OUTCOME_COUNT; o++) {
		const struct outcome_row *r = outcome_row((enum outcome)o);

		assert_non_null(r->name);
		assert_true(strlen(r->text) > 0);
		assert_true(strlen(r->source) > 0);
		switch (r->kind) {
		case OUTCOME_REJECT:
			assert_in_range(r->value, SRP_REJ_NO_DETAIL, SRP_REJ_CHANNEL_LIMIT);
			break;
		case OUTCOME_LOGOUT:
			assert_in_range(r->value, 0, 8);
			assert_int_not_equal(r->value, 5);
			break;
		case OUTCOME_CLOSE:
			assert_int_equal(r->value, 0);
			break;
		case OUTCOME_CODE:
			assert_true(r->value == 0 || r->value == 2 || r->value == 4 || r->value == 5);
			break;
		case OUTCOME_STATUS:
			assert_true(r->value == SCSI_BUSY || r->value == SCSI_TASK_SET_FULL);
			break;
		case OUTCOME_SENSE:
			assert_int_equal(r->value, SCSI_CHECK_CONDITION);
			assert_int_not_equal(r->sense.key, 0);
			break;
		}
	}
	assert_ptr_equal(outcome_row((enum outcome)1000), outcome_row(OUTCOME_INTERNAL));
}

static size_t section(char *out, size_t cap, const char *title, const char *intro, unsigned kinds)
{
	size_t n = (size_t)snprintf(out, cap,
				    "\n## %s\n%s\n\n| name | what happened | answer | source |\n|---|---|---|---|\n",
				    title, intro);
	char answer[64];

	for (int o = 1; o < OUTCOME_COUNT; o++) {
		const struct outcome_row *r = outcome_row((enum outcome)o);

		if (kinds >> r->kind & 1)
			n += (size_t)snprintf(out + n, cap - n, "| %s | %s | %s | %s |\n", r->name, r->text,
					      outcome_answer((enum outcome)o, answer, sizeof(answer)), r->source);
	}
	return n;
}

static void test_document(void **state)
{
	static char text[32768];
	size_t n = 0;

	(void)state;
	n += (size_t)snprintf(text, sizeof(text),
			      "# What the gateway answers, and when\n\n"
			      "Every refusal, failure and close that the gateway decides comes from one table, "
			      "`gateway/core/outcome.h`; this page is\n"
			      "made from it by its unit test. What the back-end answers (status, sense data, residual) "
			      "passes through unchanged.\n");
	n += section(text + n, sizeof(text) - n, "Logins",
		     "The login is refused with a LOGIN_REJ; the same line stands in the log.", 1u << OUTCOME_REJECT);
	n += section(
		text + n, sizeof(text) - n, "Channels",
		"The RDMA channel ends. With T_LOGOUT the disconnect follows when it was sent, or after half a second.",
		1u << OUTCOME_LOGOUT | 1u << OUTCOME_CLOSE);
	n += section(text + n, sizeof(text) - n, "Commands and task management",
		     "The request is answered with an SRP_RSP; the channel lives on.",
		     1u << OUTCOME_CODE | 1u << OUTCOME_STATUS | 1u << OUTCOME_SENSE);
	assert_true(n < sizeof(text));
	docfile_check("docs/errors.md", text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows_are_complete),
		cmocka_unit_test(test_document),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
