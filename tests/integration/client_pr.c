/* SPDX-License-Identifier: BSD-3-Clause */
/* Hosts that reserve, command by command; see client_pr.h. */
#include "client_pr.h"

#include "../../gateway/base/be.h"

#include <string.h>

enum { ARENA = 1 << 20, LIST_AT = 65536, LIST_MAX = 8192, BLOCK = 4096, AGAIN_MS = 20, KEY_BYTES = 8 };

void must(struct party *p, uint8_t want, uint8_t status, const char *what)
{
	if (status != want)
		fail("host %u: %s: status %02x instead of %02x, sense %06x", p->h.number, what, status, want, p->sense);
}

void party_init(struct party *p, const struct client *c, const struct fabric_addr *dst)
{
	memset(p, 0, sizeof(*p));
	p->c = *c;
	p->c.dst = *dst;
	timer_init(&p->c.patience, c->patience.fn);
}

void party_login(struct party *p, uint32_t number)
{
	memset(&p->h, 0, sizeof(p->h));
	p->key = 0x1000 + number;
	host_login(&p->c, &p->h, number, ARENA);
}

void party_lose(struct party *p)
{
	host_close(&p->h, false);
}

void party_logout(struct party *p)
{
	host_end(&p->h);
}

void party_forget_ua(struct party *p)
{
	p->n_ua = 0;
}

bool party_heard(const struct party *p, uint32_t asc_ascq)
{
	for (uint32_t i = 0; i < p->n_ua; i++)
		if (p->ua[i] == asc_ascq)
			return true;
	return false;
}

/* ---- one command ---- */

struct pause {
	struct reactor_timer timer;
	bool over;
};

static void pause_over(struct reactor_timer *t)
{
	container_of(t, struct pause, timer)->over = true;
}

static bool pause_is_over(const void *arg)
{
	return ((const struct pause *)arg)->over;
}

static void on_done(struct initiator_cmd *cmd)
{
	*(bool *)cmd->ctx = true;
}

static bool is_true(const void *arg)
{
	return *(const bool *)arg;
}

uint8_t party_do(struct party *p, struct initiator_cmd *cmd)
{
	for (;;) {
		struct pause pause = { .over = false };
		bool over = false;

		cmd->done = on_done;
		cmd->ctx = &over;
		initiator_submit(p->h.ini, cmd);
		client_wait(&p->c, is_true, &over);
		if (cmd->code)
			fail("host %u: opcode %02x: code %d", p->h.number, cmd->cdb[0], cmd->code);
		p->sense = 0;
		if (cmd->status == ST_CHECK && cmd->sense_len > 13) {
			p->sense = (uint32_t)(cmd->sense[2] & 0xf) << 16 | (uint32_t)cmd->sense[12] << 8 | cmd->sense[13];
			if (p->sense >> 16 == 6 && p->n_ua < 16)
				p->ua[p->n_ua++] = p->sense & 0xffff;
		}
		if (!cmd_again(cmd))
			return cmd->status;
		timer_init(&pause.timer, pause_over);
		timer_arm_in(p->c.reactor, &pause.timer, cmd->status == ST_CHECK ? 0 : AGAIN_MS * NS_PER_MS);
		client_wait(&p->c, pause_is_over, &pause);
	}
}

static uint8_t rw(struct party *p, bool write)
{
	struct initiator_cmd cmd;

	cmd_rw(&cmd, write, p->h.number * 64, p->h.arena, BLOCK);
	return party_do(p, &cmd);
}

uint8_t party_write(struct party *p)
{
	return rw(p, true);
}

uint8_t party_read(struct party *p)
{
	return rw(p, false);
}

uint8_t party_simple(struct party *p, uint8_t opcode)
{
	struct initiator_cmd cmd = { .cdb = { opcode }, .channel = UINT32_MAX };

	return party_do(p, &cmd);
}

/* ---- persistent reservations: SPC-4 6.13, 6.14 ---- */

static uint64_t key_at(const uint8_t *p)
{
	return (uint64_t)be32_at(p) << 32 | be32_at(p + 4);
}

static void key_put(uint8_t *p, uint64_t key)
{
	be32_put(p, (uint32_t)(key >> 32));
	be32_put(p + 4, (uint32_t)key);
}

uint8_t pr_out(struct party *p, uint8_t action, uint8_t type, uint64_t key, uint64_t action_key, uint8_t flags)
{
	uint8_t *list = p->h.arena + LIST_AT;
	struct initiator_cmd cmd = { .cdb = { 0x5f, action, type, [8] = 24 }, .dir = INITIATOR_WRITE, .buf = list, .len_bytes = 24,
				     .channel = UINT32_MAX };

	memset(list, 0, 24);
	key_put(list, key);
	key_put(list + 8, action_key);
	list[20] = flags;
	return party_do(p, &cmd);
}

const uint8_t *pr_in(struct party *p, uint8_t action, uint32_t *len)
{
	uint8_t *data = p->h.arena + LIST_AT;
	struct initiator_cmd cmd = { .cdb = { 0x5e, action, [7] = LIST_MAX >> 8, [8] = LIST_MAX & 0xff }, .dir = INITIATOR_READ,
				     .buf = data, .len_bytes = LIST_MAX, .channel = UINT32_MAX };

	memset(data, 0, LIST_MAX);
	if (party_do(p, &cmd) != ST_GOOD)
		return NULL;
	*len = cmd.len_bytes - cmd.resid_under;
	return data;
}

static const uint8_t *list_of(struct party *p, uint8_t action, uint32_t *len)
{
	const uint8_t *data = pr_in(p, action, len);

	if (!data || *len < 8 || be32_at(data + 4) > *len - 8)
		fail("host %u: PERSISTENT RESERVE IN %u is refused, or its length is wrong; sense %06x", p->h.number, action, p->sense);
	*len = 8 + be32_at(data + 4);
	return data;
}

bool pr_has_key(struct party *p, uint64_t key)
{
	uint32_t len;
	const uint8_t *data = list_of(p, IN_KEYS, &len);

	for (uint32_t at = 8; at + KEY_BYTES <= len; at += KEY_BYTES)
		if (key_at(data + at) == key)
			return true;
	return false;
}

uint8_t pr_type(struct party *p, uint64_t *holder)
{
	uint32_t len;
	const uint8_t *data = list_of(p, IN_RESERVATION, &len);

	if (len == 8)
		return 0;
	if (len < 24)
		fail("host %u: READ RESERVATION of %u bytes", p->h.number, len);
	*holder = key_at(data + 8);
	return data[21] & 0x0f;
}
