/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Hosts with an appetite, see load.h.
 */
#include "load.h"

static void submit(struct load_cmd *cmd)
{
	struct client *c = cmd->load->c;

	cmd->sent_ns = sim_now_ns(c->b->rig.w);
	initiator_submit(c->i, &cmd->c);
}

static void done(struct initiator_cmd *c)
{
	struct load_cmd *cmd = c->ctx;
	struct load *l = cmd->load;
	uint64_t took_ns = sim_now_ns(l->c->b->rig.w) - cmd->sent_ns;

	if (c->code == -ECANCELED)
		l->n_aborted++;
	else if (c->code)
		fail_msg("code %d", c->code);
	else if (c->status == SCSI_GOOD)
		l->n_done++;
	else if (c->status == SCSI_BUSY || c->status == SCSI_TASK_SET_FULL)
		l->n_told_busy++;
	else if (!l->may_fail)
		fail_msg("status 0x%02x", c->status);
	if (took_ns > l->longest_ns)
		l->longest_ns = took_ns;
	if (!l->stopped)
		submit(cmd);
}

void load_start(struct load *l, struct bench *b, uint32_t number, uint32_t lun, uint32_t depth, uint32_t n_blocks)
{
	memset(l, 0, sizeof(*l));
	assert_true(depth <= LOAD_MOST_DEPTH && depth * n_blocks * BLOCK_BYTES <= CLIENT_ARENA);
	l->c = client_make(b, number);
	assert_int_equal(client_login(l->c), 0);
	l->lun = lun;
	l->depth = depth;
	l->n_blocks = n_blocks;
	for (uint32_t k = 0; k < depth; k++) {
		struct load_cmd *cmd = &l->cmd[k];

		cmd->load = l;
		cmd->c.lun[1] = (uint8_t)lun;
		/* READ(10) without a number in the ledger, which has an end. */
		cmd->c.cdb[0] = 0x28;
		cmd->c.cdb[7] = (uint8_t)(n_blocks >> 8);
		cmd->c.cdb[8] = (uint8_t)n_blocks;
		cmd->c.len_bytes = n_blocks * BLOCK_BYTES;
		cmd->c.dir = INITIATOR_READ;
		cmd->c.buf = l->c->arena + k * cmd->c.len_bytes;
		cmd->c.n_frag = 1;
		cmd->c.channel = UINT32_MAX;
		cmd->c.done = done;
		cmd->c.ctx = cmd;
		submit(cmd);
	}
}

void load_reset(struct load *l)
{
	l->n_done = l->n_told_busy = l->n_aborted = l->longest_ns = 0;
}

void load_stop(struct load *l)
{
	l->stopped = true;
	bench_until(l->c->b, 120, client_info(l->c).n_outstanding == 0);
	client_free(l->c);
}
