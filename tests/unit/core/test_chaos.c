/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Things that fail at every possible moment: the n-th post, attaches, breaks in the middle, back-ends that die, in
 * every order that a few thousand seeds find. Whatever happens, afterwards nothing is left over and the gateway still
 * works.
 */
#include "rig.h"

#include "../../../gateway/core/path.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct rig *start(void)
{
	struct rig *r = calloc(1, sizeof(*r));

	assert_non_null(r);
	rig_init(r);
	rig_start(r);
	return r;
}

static void stop(struct rig *r)
{
	rig_stop(r);
	free(r);
}

/* One of each: big write in pieces, external table, read in rounds, immediate data, task management, local command. */
static void scenario(struct rig *r, struct fake_conn *c)
{
	struct rig_cmd write = { .dir = RIG_OUT, .buf = r->mem, .len = 200000, .n_frag = 100, .cdb = { 0x2a } };
	struct rig_cmd table = {
		.dir = RIG_OUT, .buf = r->mem, .len = 20000, .n_frag = 20, .external = true, .cdb = { 0x2a }
	};
	struct rig_cmd read = { .dir = RIG_IN, .buf = r->mem, .len = 200000, .n_frag = 100, .cdb = { 0x28 } };
	struct rig_cmd imm = {
		.lun = 2, .dir = RIG_OUT, .buf = r->mem, .len = 1000, .immediate = true, .cdb = { 0x2a }
	};
	struct rig_cmd report = { .dir = RIG_IN, .buf = r->mem, .len = 256, .cdb = { 0xa0, [9] = 255 } };
	struct rig_cmd *all[] = { &write, &table, &read, &imm, &report };

	for (unsigned i = 0; i < 5; i++)
		if (!c->closing && !c->closed)
			rig_send_cmd(r, c, all[i]);
	if (!c->closing && !c->closed)
		rig_tmf(r, c, SRP_TMF_LUN_RESET, 0, 0);
	rig_run(r);
}

static void works(struct rig *r)
{
	struct fake_conn *c = rig_login(r);
	uint64_t tag = rig_read(r, c, 0, 0, r->mem, 512);
	struct srp_rsp rsp;

	/* After a loss the LU may be fenced, or tell a unit attention first. */
	rig_wait_ms(r, 4000);
	rsp = rig_expect_rsp(r, c, tag);
	if (rsp.status == SCSI_CHECK_CONDITION) {
		tag = rig_read(r, c, 0, 0, r->mem, 512);
		rsp = rig_expect_rsp(r, c, tag);
	}
	assert_int_equal(rsp.status, SCSI_GOOD);
	rig_expect_idle(r);
}

static void each_post_fails(int rc)
{
	long n_posts = 1000;

	for (long n = 1; n <= n_posts; n++) {
		struct rig *r = start();
		struct fake_conn *c = rig_login(r);

		r->fab.n_posts = 0;
		r->fab.fail_post_at = n;
		r->fab.fail_post_rc = rc;
		scenario(r, c);
		assert_true(r->fab.fail_post_at == 0 || r->fab.n_posts < n);
		if (r->fab.fail_post_at > 0)
			n_posts = n;
		if (rc == -ENOTCONN && n_posts == 1000) {
			fake_break(c, FABRIC_DOWN_ERROR);
			rig_run(r);
			assert_true(c->closed);
		}
		r->fab.fail_post_at = 0;
		works(r);
		stop(r);
	}
	assert_in_range(n_posts, 10, 999);
}

static void test_each_post_fails_for_good(void **state)
{
	(void)state;
	each_post_fails(-ENOTCONN);
}

/* The send queue is full for once, whatever sq_free said: another completion brings the work on. */
static void test_each_post_has_no_room(void **state)
{
	(void)state;
	each_post_fails(-EAGAIN);
}

static void test_each_completion_fails(void **state)
{
	bool more = true;

	(void)state;
	for (unsigned n = 0; more; n++) {
		struct rig *r = start();
		struct fake_conn *c = rig_login(r);

		c->manual = true;
		scenario(r, c);
		for (unsigned i = 0; i < n && more; i++) {
			more = fake_complete(c, FABRIC_WC_OK);
			rig_run(r);
		}
		if (fake_complete(c, FABRIC_WC_REMOTE_ACCESS))
			fake_break(c, FABRIC_DOWN_ERROR);
		else
			more = false;
		rig_run(r);
		c->manual = false;
		works(r);
		stop(r);
	}
}

static uint32_t below(unsigned *seed, uint32_t n)
{
	return (uint32_t)rand_r(seed) % n;
}

static void random_event(struct rig *r, struct fake_conn **c, unsigned *seed)
{
	struct fake_target *t = r->disk[below(seed, 2)];
	unsigned k = below(seed, 3);
	struct rig_login l = { .id = (uint8_t)(1 + below(seed, 2)), .multi = below(seed, 2), .immediate = true };

	if (c[k] && (c[k]->closed || c[k]->closing))
		c[k] = NULL;
	switch (below(seed, 20)) {
	case 0:
	case 1:
		if (!c[k]) {
			c[k] = rig_login_raw(r, &l);
			if (!c[k]->accepted)
				c[k] = NULL;
			else
				c[k]->manual = below(seed, 2);
		}
		break;
	case 2:
		if (c[k] && below(seed, 3) == 0)
			fake_break(c[k], FABRIC_DOWN_ERROR);
		break;
	case 3:
		t->hold = !t->hold;
		break;
	case 4:
		t->hold_tmf = below(seed, 3) == 0;
		break;
	case 5:
		if (fake_path(t) && fake_path(t)->up && below(seed, 2))
			fake_down(t, (enum srpgw_delivery)below(seed, 2), "chaos");
		break;
	case 6:
		t->attach_rc = below(seed, 4) ? 0 : -ECONNREFUSED;
		break;
	case 7:
		rig_wait_ms(r, below(seed, 3000));
		break;
	case 8:
		if (!list_empty(&t->tmfs))
			fake_tmf_answer(t, (enum srpgw_tmf_result)below(seed, 4));
		break;
	case 9:
		if (c[k])
			rig_tmf(r, c[k], below(seed, 2) ? SRP_TMF_LUN_RESET : SRP_TMF_ABORT_TASK, below(seed, 4),
				r->next_tag - below(seed, 8));
		break;
	case 10:
		r->fab.rx_low = below(seed, 2);
		break;
	case 11:
		if (r->n_maps < 15 && below(seed, 20) == 0) {
			struct rig_map *m = rig_map_new(r);

			m->group[0].n_lun = 1 + below(seed, 4);
			m->map.nexus_linger_ms = below(seed, 2000);
			rig_apply(r, m);
		}
		break;
	case 12:
	case 13:
		if (fake_first(t))
			fake_answer(fake_first(t));
		break;
	case 14:
	case 15:
		if (c[k])
			fake_complete(c[k], FABRIC_WC_OK);
		break;
	default:
		if (c[k] && c[k]->n_sent + 100 < FAKE_MAX_SENT) {
			struct rig_cmd cmd = {
				.lun = below(seed, 5),
				.dir = 1 + below(seed, 2),
				.buf = r->mem,
				.len = 1 + below(seed, below(seed, 4) ? 2000 : 300000),
				.n_frag = 1 + below(seed, 40),
				.external = below(seed, 4) == 0,
			};

			cmd.cdb[0] = cmd.dir == RIG_IN ? 0x28 : 0x2a;
			if (cmd.len < cmd.n_frag)
				cmd.len = cmd.n_frag;
			cmd.immediate = cmd.dir == RIG_OUT && cmd.len < 4000 && below(seed, 2);
			/* A host that respects its request limit. */
			list_for_each(pos, &r->core->shard[0]->nexuses)
				list_for_each(cpos, &list_entry(pos, struct nexus, node)->channels) {
					struct channel *ch = list_entry(cpos, struct channel, nexus_node);

					if (ch->conn == &c[k]->base && ch->credit.host > 0) {
						rig_send_cmd(r, c[k], &cmd);
						goto sent;
					}
				}
		}
sent:
		break;
	}
	rig_run(r);
}

static void test_random(void **state)
{
	const char *env = getenv("CHAOS_SEED");
	unsigned first = env ? (unsigned)atoi(env) : 1, last = env ? first : 150;

	(void)state;
	for (unsigned s = first; s <= last; s++) {
		struct rig *r = start();
		struct fake_conn *c[3] = { NULL };
		unsigned seed = s;

		for (unsigned i = 0; i < 300; i++)
			random_event(r, c, &seed);
		for (unsigned i = 0; i < RIG_BACKENDS; i++) {
			struct fake_target *t = r->disk[i];

			t->hold = t->hold_tmf = false;
			t->attach_rc = 0;
			while (fake_first(t))
				fake_answer(fake_first(t));
			while (!list_empty(&t->tmfs))
				fake_tmf_answer(t, SRPGW_TMF_COMPLETE);
		}
		for (uint32_t i = 0; i < r->fab.n_conns; i++)
			r->fab.conn[i]->manual = false;
		rig_wait_ms(r, 10000);
		/*
		 * The host's table at the end of its memory was overwritten many times: what was read may be
		 * anything.
		 */
		r->fab.n_stray = 0;
		rig_expect_idle(r);
		stop(r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_post_fails_for_good),
		cmocka_unit_test(test_each_post_has_no_room),
		cmocka_unit_test(test_each_completion_fails),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
