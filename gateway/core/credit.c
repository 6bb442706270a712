/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Request limit arithmetic, see credit.h. Layer: core.
 */
#include "credit.h"

void credit_init(struct credit *c, uint32_t granted)
{
	*c = (struct credit){ .granted = granted, .host = granted };
}

bool credit_take(struct credit *c)
{
	if (c->host == 0)
		return false;
	c->host--;
	c->live++;
	return true;
}

void credit_forfeit(struct credit *c)
{
	c->live--;
	c->owed++;
}

uint32_t credit_answer(struct credit *c)
{
	uint32_t delta = 1 + c->owed;

	c->live--;
	c->owed = 0;
	c->host += delta;
	return delta;
}

void credit_unanswer(struct credit *c, uint32_t delta)
{
	c->host -= delta;
	c->owed = delta - 1;
	c->live++;
}

bool credit_wants_request(const struct credit *c)
{
	return c->owed > 0 && (c->live == 0 || c->host <= c->granted / 4);
}

uint32_t credit_request(struct credit *c)
{
	uint32_t delta = c->owed;

	c->owed = 0;
	c->host += delta;
	return delta;
}

void credit_unrequest(struct credit *c, uint32_t delta)
{
	c->host -= delta;
	c->owed += delta;
}
