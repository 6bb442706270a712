// SPDX-License-Identifier: BSD-3-Clause
/*
 * Any text as the file of kept answers: it is refused with a cause, or each of its answers is used or damaged. What is
 * used keeps the promises of core/keep.h, and comes through the next file as it is.
 */
#include "../../gateway/base/be.h"
#include "../../gateway/base/log.h"
#include "../../gateway/control/keep_file.h"
#include "../../gateway/core/core_private.h"
#include "../../gateway/core/keep_private.h"
#include "fuzz.h"

#include <string.h>

static struct core *core;

static void make_world(void)
{
	static char names[2][8] = { "san", "tape" }, uris[2][16] = { "iscsi://one", "iscsi://two" };
	static struct backend backend[2], *all[2] = { &backend[0], &backend[1] };
	static struct map map = { .backend = all, .n_backend = 2 };
	static struct reactor *control;
	struct core_params p = { .n_reactor = 1, .pool_bytes = 4u << 20, .max_tasks = 16, .max_ios = 16 };
	struct err e = ERR_INIT;

	log_init("fuzz", LOG_LEVEL_ERROR, false);
	FUZZ_CHECK(reactor_create("control", &control) == 0);
	p.control = control;
	p.reactor = &control;
	FUZZ_CHECK(core_create(&p, &core, &e) == 0);
	for (unsigned i = 0; i < 2; i++)
		backend[i] = (struct backend){ .name = names[i], .uri = uris[i] };
	core_apply(core, &map, NULL, NULL);
}

/* Nothing reached a shard yet, so the store is all that there is. */
static void forget(void)
{
	keep_free(core);
	FUZZ_CHECK(keep_init(core) == 0);
}

struct seen {
	struct keep_key key;
	size_t n;
};

static void check_answer(void *arg, const struct keep_key *key, const struct keep_answer *a)
{
	struct seen *s = arg;
	bool cut = false;

	FUZZ_CHECK(key->backend[0] && key->initiator[0] && strlen(key->initiator) < KEEP_NAME_BYTES);
	FUZZ_CHECK(strcmp(key->backend, "san") == 0 || strcmp(key->backend, "tape") == 0);
	FUZZ_CHECK(key->kind <= KEEP_VPD && (key->kind == KEEP_VPD || key->page == 0));
	FUZZ_CHECK(a->len_bytes > 0);
	FUZZ_CHECK(keep_fit((enum keep_kind)key->kind, key->page, a->data, a->len_bytes, a->len_bytes, &cut) == a->len_bytes);
	FUZZ_CHECK(cut == a->cut);
	fuzz_touch(a->data, a->len_bytes);
	FUZZ_CHECK(s->n == 0 || keep_compare(&s->key, key) < 0);
	s->key = *key;
	s->n++;
}

/* What its bookkeeping says is what is there. */
static void check_sums(size_t used)
{
	size_t bytes = 0;

	FUZZ_CHECK(core->keep->n <= used && core->keep->n <= KEEP_MOST_ANSWERS && core->keep->bytes <= KEEP_TOTAL_BYTES);
	list_for_each (pos, &core->keep->shares) {
		const struct keep_share *s = list_entry(pos, struct keep_share, node);

		FUZZ_CHECK(s->bytes > 0 && s->bytes <= KEEP_BACKEND_BYTES);
		bytes += s->bytes;
	}
	FUZZ_CHECK(bytes == core->keep->bytes);
}

/* The file that is written of it is read as the same. */
static void check_next_life(size_t n)
{
	struct keep_file_count count;
	struct err e = ERR_INIT;
	size_t len, len_again;
	char *text = keep_file_text(core, &len), *again;

	FUZZ_CHECK(text && strlen(text) == len);
	forget();
	FUZZ_CHECK(keep_file_parse(core, text, len, &count, &e) == 0);
	FUZZ_CHECK(count.used == n && count.damaged == 0);
	again = keep_file_text(core, &len_again);
	FUZZ_CHECK(again && len == len_again && memcmp(text, again, len) == 0);
	free(again);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size ? size : 1); /* exact: the sanitizer sees one byte too far */
	struct keep_file_count count;
	struct seen seen = { .n = 0 };
	struct err e = ERR_INIT;

	if (!core)
		make_world();
	FUZZ_CHECK(text);
	if (size)
		memcpy(text, data, size);
	if (keep_file_parse(core, text, size, &count, &e) == 0) {
		check_sums(count.used);
		core_keep_for_each(core, check_answer, &seen);
		check_next_life(seen.n);
	} else {
		FUZZ_CHECK(e.cause[0]);
	}
	forget();
	free(text);
	return 0;
}
