/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Task management. A host takes the answer as "these commands can no longer act" and takes their memory back; so does this.
 * Layer: initiator. Knows base, proto and rt.
 */
#include "internal.h"

#include <errno.h>
#include <string.h>

/*
 * Commands of the logical unit that were sent before the function on its channel; done() of one may submit others, which are younger.
 * Those on other channels the function may have overtaken: they stay outstanding until they are answered or aborted.
 */
static void cancel_lun(struct slot *tmf)
{
	struct chan *ch = tmf->ch;
	uint64_t order = tmf->order;
	uint8_t lun[8];

	memcpy(lun, tmf->lun, sizeof(lun));
	for (uint32_t k = 0; k < ch->i->p.queue_size; k++) {
		struct slot *s = &ch->slot[k];

		if (s->live && !s->ended && s->order < order && !memcmp(s->cmd->lun, lun, sizeof(lun)))
			command_end(s, -ECANCELED);
	}
}

void tmf_end(struct slot *s, int code, uint8_t rsp_code)
{
	void (*done)(void *arg, int code, uint8_t rsp_code) = s->tmf_done;
	void *arg = s->tmf_arg;

	slot_retire(s);
	done(arg, code, rsp_code);
}

void tmf_answer(struct slot *s, const struct srp_rsp *rsp)
{
	if (!rsp->has_rsp_code) {
		tmf_end(s, -EPROTO, 0);
		return;
	}
	if (s->function == SRP_TMF_ABORT_TASK) {
		if (s->task && s->task->live && !s->task->ended && s->task->tag == s->task_tag)
			command_end(s->task, -ECANCELED);
	} else if (rsp->rsp_code == SRP_RSP_CODE_OK && s->function != SRP_TMF_CLEAR_ACA) {
		cancel_lun(s);
	}
	tmf_end(s, 0, rsp->rsp_code);
}

int initiator_tmf(struct initiator *i, uint32_t channel, uint8_t function, const uint8_t lun[8], const struct initiator_cmd *task,
		  void (*done)(void *arg, int code, uint8_t rsp_code), void *arg)
{
	struct chan *ch = NULL;
	struct slot *s;
	struct srp_tsk_mgmt tm = { .function = function, .sol_not = i->p.sol_not };

	if (task)
		channel = task->ch;
	for (uint32_t n = 0; channel == UINT32_MAX && n < i->n_wanted; n++)
		if (chan_is_usable(&i->chan[n]))
			channel = n;
	if (channel < i->n_wanted)
		ch = &i->chan[channel];
	if (!ch || !chan_is_usable(ch) || i->logging_out)
		return -ENOTCONN;
	/* A command that still waits for credit has not left: nobody needs to be asked. */
	if (ch->req_lim < 1 && !(task && !task->tag))
		return -EAGAIN;
	s = slot_get(ch, SLOT_TMF);
	if (!s)
		return -EAGAIN;
	memcpy(s->lun, lun, 8);
	s->function = function;
	s->task = task && task->tag ? &ch->slot[task->slot] : NULL;
	s->task_tag = task ? task->tag : 0;
	s->tmf_done = done;
	s->tmf_arg = arg;
	s->live = true;
	ch->n_live++;
	if (task && !task->tag) {
		/* The caller's own object, reached through the list that this library keeps it on. */
		struct initiator_cmd *c = list_entry(task->node.prev->next, struct initiator_cmd, node);

		list_del(&c->node);
		c->code = -ECANCELED;
		list_push_back(&i->ended, &c->node);
		list_push_back(&i->ended_tmfs, &s->node);
		end_later(i);
		return 0;
	}
	ch->req_lim--;
	memcpy(tm.lun, lun, 8);
	tm.tag = s->tag;
	tm.task_tag = s->task_tag;
	slot_send(s, srp_tsk_mgmt_encode(&tm, s->iu, SRP_TSK_MGMT_LEN), NULL, 0);
	return 0;
}
