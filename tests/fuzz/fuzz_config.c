// SPDX-License-Identifier: BSD-3-Clause
/*
 * Any text as a configuration file: it is either accepted whole, or there is at least one problem, each at a place that
 * exists, with a cause. What is accepted keeps the promises that core's snapshot is built on.
 */
#include "../../gateway/control/config.h"
#include "../../gateway/control/pattern.h"
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

static void check_problems(const struct problems *p, const uint8_t *data, size_t size)
{
	char line[sizeof(struct err)];
	int n_lines = 1;

	for (size_t i = 0; i < size; i++)
		n_lines += data[i] == '\n';
	FUZZ_CHECK(problems_count(p) > 0);
	for (size_t i = 0; i < p->n; i++) {
		FUZZ_CHECK(p->item[i].line >= 1 && p->item[i].line <= n_lines);
		FUZZ_CHECK(p->item[i].column >= 1 && p->item[i].column <= (int)size + 1);
		FUZZ_CHECK(p->item[i].cause[0]);
		FUZZ_CHECK(strchr(err_format(&p->item[i], line, sizeof(line)), '\n') == NULL);
	}
}

static void check_group(const struct config *c, const struct schema_strings *initiators, const struct schema_list *luns)
{
	struct initiator_pattern p;
	char why[128];

	for (size_t i = 0; i < initiators->n; i++)
		FUZZ_CHECK(pattern_parse(initiators->item[i], &p, why, sizeof(why)));
	for (size_t i = 0; i < luns->n; i++) {
		const struct config_lun *l = CONFIG_ITEM(luns, struct config_lun, i);
		bool found = false;

		for (size_t b = 0; b < c->backends.n; b++)
			found |= strcmp(CONFIG_ITEM(&c->backends, struct config_backend, b)->name, l->backend) == 0;
		FUZZ_CHECK(found && l->lun.given == !l->all && l->backend_lun.given == !l->all);
	}
}

static void check_config(const struct config *c)
{
	FUZZ_CHECK(c->name && c->runtime_dir && c->state_dir);
	FUZZ_CHECK(c->listen.n > 0 && c->targets.n > 0);
	for (size_t i = 0; i < c->backends.n; i++) {
		const struct config_backend *b = CONFIG_ITEM(&c->backends, struct config_backend, i);
		char cause[256], cure[256];

		FUZZ_CHECK(config_uri_ok(b->uri, cause, cure, sizeof(cause)));
	}
	for (size_t i = 0; i < c->targets.n; i++) {
		const struct config_target *t = CONFIG_ITEM(&c->targets, struct config_target, i);

		FUZZ_CHECK(t->name && t->id_ext.given && t->ioc_guid.given);
		FUZZ_CHECK(t->initiators.n || t->groups.n);
		check_group(c, &t->initiators, &t->luns);
		for (size_t k = 0; k < t->groups.n; k++) {
			const struct config_group *g = CONFIG_ITEM(&t->groups, struct config_group, k);

			FUZZ_CHECK(g->initiators.n > 0);
			check_group(c, &g->initiators, &g->luns);
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct problems problems = { .file = NULL };
	struct config *c = NULL;
	char *text = malloc(size ? size : 1); /* exact: the sanitizer sees one byte too far */

	if (!text)
		return 0;
	if (size)
		memcpy(text, data, size);
	if (config_parse("c.json", text, size, &c, &problems) == 0) {
		FUZZ_CHECK(problems_count(&problems) == 0);
		check_config(c);
		config_free(c);
	} else {
		check_problems(&problems, data, size);
	}
	problems_free(&problems);
	return 0;
}
