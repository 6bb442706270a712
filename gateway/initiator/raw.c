/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The back door for tests, see initiator_raw.h.
 * Layer: initiator. Knows base, proto and rt.
 */
#include "internal.h"

#include <errno.h>
#include <string.h>

int initiator_raw_send(struct initiator *i, uint32_t channel, const void *bytes, size_t len)
{
	size_t cap = i->iu_region.len_bytes / ((size_t)i->n_wanted * i->n_slots);
	struct chan *ch = channel < i->n_wanted ? &i->chan[channel] : NULL;
	struct slot *s;

	if (!ch || !chan_is_usable(ch))
		return -ENOTCONN;
	if (!len || len > cap)
		return -EMSGSIZE;
	s = slot_get(ch, SLOT_RAW);
	if (!s)
		return -EAGAIN;
	memcpy(s->iu, bytes, len);
	slot_send(s, len, NULL, 0);
	return 0;
}

void initiator_raw_set_login(struct initiator *i, const void *priv, size_t len)
{
	i->raw_login_len = len < sizeof(i->raw_login) ? len : sizeof(i->raw_login);
	memcpy(i->raw_login, priv, i->raw_login_len);
}

void initiator_raw_set_rx(struct initiator *i, initiator_raw_rx fn, void *ctx)
{
	i->raw_rx = fn;
	i->raw_ctx = ctx;
}

uint32_t initiator_raw_rkey(const struct initiator *i, uint32_t channel)
{
	return channel < i->n_wanted ? i->chan[channel].arena_rkey : 0;
}

void initiator_raw_drop(struct initiator *i, uint32_t channel)
{
	if (channel < i->n_wanted)
		chan_close(&i->chan[channel]);
}

int32_t initiator_raw_req_lim(const struct initiator *i, uint32_t channel)
{
	return channel < i->n_wanted ? i->chan[channel].req_lim : 0;
}

uint32_t initiator_raw_granted(const struct initiator *i, uint32_t channel)
{
	return channel < i->n_wanted ? i->chan[channel].terms.req_lim_delta : 0;
}

void initiator_raw_charge(struct initiator *i, uint32_t channel, int32_t credits)
{
	if (channel < i->n_wanted)
		i->chan[channel].req_lim -= credits;
}
