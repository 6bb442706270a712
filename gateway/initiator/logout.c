/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Logout: I_LOGOUT on every channel and a bounded wait for the target to disconnect, or a plain disconnect as ib_srp does.
 * Layer: initiator. Knows base, proto and rt.
 */
#include "internal.h"

#include <errno.h>
#include <string.h>

static void close_all(struct initiator *i)
{
	for (uint32_t n = 0; n < i->n_wanted; n++)
		chan_close(&i->chan[n]);
}

/* A target that ignores I_LOGOUT is disconnected all the same. */
static void on_timer(struct reactor_timer *t)
{
	struct initiator *i = container_of(t, struct initiator, logout_timer);

	for (uint32_t n = 0; n < i->n_wanted; n++)
		if (i->chan[n].state == CHAN_LIVE)
			protocol_error(&i->chan[n], "the target did not disconnect after I_LOGOUT");
	close_all(i);
	logout_check(i);
}

static void send_i_logout(struct chan *ch)
{
	struct slot *s = chan_is_usable(ch) ? slot_get(ch, SLOT_REPLY) : NULL;

	if (!s) {
		chan_close(ch);
		return;
	}
	slot_send(s, srp_simple_encode(SRP_I_LOGOUT, s->tag, s->iu, SRP_I_LOGOUT_LEN), NULL, 0);
}

void initiator_logout(struct initiator *i, bool polite, void (*done)(void *arg), void *arg)
{
	bool was_logging_in = i->logging_in;

	i->logging_out = true;
	i->logout_done = done;
	i->logout_arg = arg;
	timer_init(&i->logout_timer, on_timer);
	for (uint32_t n = 0; n < i->n_wanted; n++)
		command_end_waiting(&i->chan[n], -ENOTCONN);
	if (was_logging_in) {
		login_fail(i, -ECANCELED, "logged out before the login was complete");
	} else if (polite) {
		timer_arm_in(i->p.reactor, &i->logout_timer, I_LOGOUT_WAIT_MS * NS_PER_MS);
		for (uint32_t n = 0; n < i->n_wanted; n++)
			send_i_logout(&i->chan[n]);
	} else {
		close_all(i);
	}
	end_later(i); /* nothing may be left to wait for */
}

void logout_check(struct initiator *i)
{
	void (*done)(void *arg) = i->logout_done;

	if (!i->logging_out || !done || i->logging_in)
		return;
	for (uint32_t n = 0; n < i->n_wanted; n++)
		if (i->chan[n].state != CHAN_IDLE && i->chan[n].state != CHAN_CLOSED)
			return;
	if (!list_empty(&i->ended) || !list_empty(&i->ended_tmfs)) {
		end_later(i);
		return;
	}
	timer_cancel(i->p.reactor, &i->logout_timer);
	timer_cancel(i->p.reactor, &i->later);
	i->logout_done = NULL;
	done(i->logout_arg);
}
