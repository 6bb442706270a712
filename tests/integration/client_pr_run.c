/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reservations of hosts 1 and 2, each behind a gateway of its own (or both behind one), and of host 3, which is not registered.
 *
 *	pr PORT2 types		every type of persistent reservation: who may write, who may read; keys, CLEAR, RELEASE, APTPL
 *	pr PORT2 preempt N	N times PREEMPT, N times PREEMPT AND ABORT, in both directions, while the other host writes: no write that
 *				was sent after the answer gets through
 *	pr PORT2 scsi2		RESERVE and RELEASE; a reservation ends with its host's connection
 *	pr PORT2 reconnect	a registration and its reservation outlive the connection of their host
 *	pr PORT2 lost COMMAND	COMMAND ends the back-end's sessions: what is lost, its host is told before anything else; or nothing is
 */
#include "client_pr.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RESERVE_6 = 0x16, RELEASE_6 = 0x17, TEST_UNIT_READY = 0x00, WRITE_EXCLUSIVE = 1, WRITE_EXCLUSIVE_RO = 5, APTPL = 0x01 };
enum { RELEASED = 0x2a04, REGISTRATIONS_PREEMPTED = 0x2a05, RESERVATIONS_PREEMPTED = 0x2a03 };
enum { DEPTH = 8, WARM = 40 };

static uint32_t n_told; /* releases of which the back-end told the other registrant */

static void register_key(struct party *p)
{
	must(p, ST_GOOD, pr_out(p, OUT_REGISTER_IGNORE, 0, 0, p->key, 0), "REGISTER AND IGNORE EXISTING KEY");
}

/* ---- types ---- */

static void check_access(struct party *p, bool may_write, bool may_read, const char *what)
{
	must(p, may_write ? ST_GOOD : ST_CONFLICT, party_write(p), what);
	must(p, may_read ? ST_GOOD : ST_CONFLICT, party_read(p), what);
}

/* SPC-4 table 63 for WRITE and READ. */
static void one_type(struct party *holder, struct party *other, struct party *stranger, uint8_t type)
{
	bool exclusive = type == 3 || type == 6 || type == 8, for_registrants = type >= 5;
	uint64_t key = 0;
	char what[64];

	snprintf(what, sizeof(what), "reservation of type %u by host %u", type, holder->h.number);
	must(holder, ST_GOOD, pr_out(holder, OUT_RESERVE, type, holder->key, 0, 0), what);
	if (pr_type(other, &key) != type)
		fail("host %u does not see the %s", other->h.number, what);
	/* All registrants hold the types 7 and 8: then the key is zero. */
	if (key != (type >= 7 ? 0 : holder->key))
		fail("host %u sees key %llx of the %s", other->h.number, (unsigned long long)key, what);
	check_access(holder, true, true, what);
	check_access(other, for_registrants, !exclusive || for_registrants, what);
	check_access(stranger, false, !exclusive, what);
	must(other, type >= 7 ? ST_GOOD : ST_CONFLICT, pr_out(other, OUT_RESERVE, type, other->key, 0, 0), "RESERVE by the other");
	party_forget_ua(other);
	must(holder, ST_GOOD, pr_out(holder, OUT_RELEASE, type, holder->key, 0, 0), "RELEASE");
	if (pr_type(other, &key) != 0)
		fail("host %u: the %s is still there", other->h.number, what);
	check_access(stranger, true, true, what);
	n_told += for_registrants && party_heard(other, RELEASED);
}

/* As the back-end supports it: what it says it can, it must do; what it cannot, it must refuse. */
static void try_aptpl(struct party *p)
{
	uint32_t len = 0;
	const uint8_t *data = pr_in(p, IN_CAPABILITIES, &len);
	bool can = data && len >= 8 && (data[2] & 0x01);
	uint8_t status = pr_out(p, OUT_REGISTER_IGNORE, 0, 0, p->key, APTPL);

	must(p, can ? ST_GOOD : ST_CHECK, status, "REGISTER with APTPL");
	printf("APTPL: %s\n", can ? "kept over a power loss" : "not supported by the back-end, and refused");
	data = pr_in(p, IN_FULL_STATUS, &len);
	if (!data && p->sense >> 16 != 5)
		fail("READ FULL STATUS: sense %06x", p->sense);
	printf("READ FULL STATUS: %s\n", data ? "answered" : "not supported by the back-end, and refused");
}

static void run_types(struct party *p, struct party *stranger)
{
	static const uint8_t types[] = { 1, 3, 5, 6, 7, 8 };

	for (int i = 0; i < 2; i++)
		must(&p[i], ST_GOOD, pr_out(&p[i], OUT_REGISTER, 0, 0, p[i].key, 0), "REGISTER");
	must(&p[0], ST_CONFLICT, pr_out(&p[0], OUT_REGISTER, 0, 0xbad, 1, 0), "REGISTER with a wrong key");
	if (!pr_has_key(&p[0], p[1].key) || !pr_has_key(&p[1], p[0].key))
		fail("the hosts do not see each other's keys");
	for (size_t i = 0; i < sizeof(types); i++) {
		one_type(&p[0], &p[1], stranger, types[i]);
		one_type(&p[1], &p[0], stranger, types[i]);
	}
	must(&p[0], ST_GOOD, pr_out(&p[0], OUT_RESERVE, WRITE_EXCLUSIVE, p[0].key, 0, 0), "RESERVE");
	party_forget_ua(&p[0]);
	must(&p[1], ST_GOOD, pr_out(&p[1], OUT_CLEAR, 0, p[1].key, 0, 0), "CLEAR");
	must(&p[0], ST_GOOD, party_write(&p[0]), "WRITE after CLEAR");
	if (!party_heard(&p[0], RESERVATIONS_PREEMPTED))
		fail("host 1 was not told of CLEAR");
	if (pr_has_key(&p[0], p[0].key) || pr_has_key(&p[0], p[1].key))
		fail("CLEAR left a key");
	try_aptpl(&p[0]);
	register_key(&p[0]);
	must(&p[0], ST_GOOD, pr_out(&p[0], OUT_CLEAR, 0, p[0].key, 0, 0), "CLEAR");
	printf("%zu types, both ways; %u of 8 releases told\n", sizeof(types), n_told);
}

/* ---- preempt ---- */

struct slot {
	struct initiator_cmd cmd;
	struct storm *storm;
	bool late; /* sent after the answer */
	bool over;
};

struct storm {
	struct party *writer;
	struct slot slot[DEPTH];
	bool answered;
	uint32_t n_over, n_good, n_in_flight_good, n_late, n_late_good, n_conflicts, n_aborted, n_no_abort;
};

static struct storm total;

static void slot_done(struct initiator_cmd *cmd);

static void slot_send(struct slot *s)
{
	struct party *p = s->storm->writer;

	cmd_rw(&s->cmd, true, (uint64_t)(s - s->storm->slot) * 8, p->h.arena, 4096);
	s->cmd.done = slot_done;
	s->late = s->storm->answered;
	initiator_submit(p->h.ini, &s->cmd);
}

static void slot_done(struct initiator_cmd *cmd)
{
	struct slot *s = container_of(cmd, struct slot, cmd);
	struct storm *st = s->storm;

	if (cmd->code)
		fail("host %u: WRITE: code %d", st->writer->h.number, cmd->code);
	st->n_late += s->late;
	if (cmd->status == ST_GOOD) {
		st->n_good++;
		st->n_late_good += s->late;
		st->n_in_flight_good += !s->late && st->answered;
	} else if (cmd->status == ST_CONFLICT) {
		st->n_conflicts++;
	} else if (cmd->status == 0x40) {
		st->n_aborted++;
	} else if (!cmd_again(cmd)) {
		fail("host %u: WRITE: status %02x", st->writer->h.number, cmd->status);
	}
	if (s->late && cmd->status == ST_CONFLICT) {
		s->over = true;
		st->n_over++;
		return;
	}
	slot_send(s);
}

static bool is_warm(const void *arg)
{
	return ((const struct storm *)arg)->n_good >= WARM;
}

static bool all_refused(const void *arg)
{
	return ((const struct storm *)arg)->n_over == DEPTH;
}

/* Where the back-end has no PREEMPT AND ABORT, it must say so, and it is PREEMPT. */
static uint8_t preempt(struct party *x, struct party *y, bool abort, uint8_t type)
{
	uint8_t status = pr_out(x, abort ? OUT_PREEMPT_ABORT : OUT_PREEMPT, type, x->key, y->key, 0);

	if (!abort || status != ST_CHECK || x->sense >> 16 != 5)
		return status;
	total.n_no_abort++;
	return preempt(x, y, false, type);
}

/* @x takes over from @y, who writes all the time. */
static void one_preempt(struct party *x, struct party *y, bool abort, bool y_holds)
{
	uint8_t type = y_holds ? WRITE_EXCLUSIVE : WRITE_EXCLUSIVE_RO;
	struct party *holder = y_holds ? y : x;
	struct storm st = { .writer = y };

	register_key(x);
	register_key(y);
	must(holder, ST_GOOD, pr_out(holder, OUT_RESERVE, type, holder->key, 0, 0), "RESERVE");
	for (unsigned i = 0; i < DEPTH; i++) {
		st.slot[i].storm = &st;
		slot_send(&st.slot[i]);
	}
	client_wait(&y->c, is_warm, &st);
	must(x, ST_GOOD, preempt(x, y, abort, type), "PREEMPT");
	st.answered = true;
	client_wait(&y->c, all_refused, &st);
	if (st.n_late_good)
		fail("host %u was preempted, and %u writes that it sent afterwards got through", y->h.number, st.n_late_good);
	must(x, ST_GOOD, party_write(x), "WRITE after the preempt");
	if (pr_has_key(x, y->key))
		fail("the key of host %u is still there", y->h.number);
	must(x, ST_GOOD, pr_out(x, OUT_CLEAR, 0, x->key, 0, 0), "CLEAR");
	total.n_good += st.n_good;
	total.n_in_flight_good += st.n_in_flight_good;
	total.n_late += st.n_late;
	total.n_late_good += st.n_late_good;
	total.n_aborted += st.n_aborted;
}

static void run_preempt(struct party *p, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		for (unsigned k = 0; k < 8; k++)
			one_preempt(&p[k & 1], &p[!(k & 1)], k & 2, k & 4);
	printf("%u preempts: %u writes before, %u in flight got through, %u were aborted; %u sent after the answer, %u of them got through\n", n * 8,
	       total.n_good, total.n_in_flight_good, total.n_aborted, total.n_late, total.n_late_good);
	if (total.n_no_abort)
		printf("PREEMPT AND ABORT: not supported by the back-end, and refused %u times\n", total.n_no_abort);
}

/* ---- SCSI-2 ---- */

static void run_scsi2(struct party *p)
{
	struct party *a = &p[0], *b = &p[1];

	must(a, ST_GOOD, party_simple(a, RESERVE_6), "RESERVE");
	must(a, ST_GOOD, party_simple(a, RESERVE_6), "RESERVE again");
	must(a, ST_GOOD, party_write(a), "WRITE");
	must(b, ST_CONFLICT, party_write(b), "WRITE of what the other has reserved");
	must(b, ST_CONFLICT, party_read(b), "READ of what the other has reserved");
	must(b, ST_CONFLICT, party_simple(b, RESERVE_6), "RESERVE of what the other has reserved");
	must(b, ST_GOOD, party_simple(b, RELEASE_6), "RELEASE of what the other has reserved");
	must(b, ST_CONFLICT, party_write(b), "WRITE after a RELEASE that released nothing");
	must(a, ST_GOOD, party_simple(a, RELEASE_6), "RELEASE");
	must(b, ST_GOOD, party_simple(b, RESERVE_6), "RESERVE");
	must(b, ST_GOOD, party_write(b), "WRITE");
	must(a, ST_CONFLICT, party_write(a), "WRITE of what the other has reserved");
	party_lose(b);
	/* The gateway has yet to see it, and to release it. */
	for (unsigned i = 0; i < 2000; i++)
		if (party_simple(a, RESERVE_6) == ST_GOOD)
			break;
	must(a, ST_GOOD, party_write(a), "WRITE after the holder's connection ended");
	must(a, ST_GOOD, party_simple(a, RELEASE_6), "RELEASE");
	party_login(b, 2);
	must(b, ST_GOOD, party_write(b), "WRITE");
	printf("SCSI-2 reservations, both ways, and over with the connection\n");
}

/* ---- a connection ends ---- */

static void run_reconnect(struct party *p)
{
	struct party *a = &p[0], *b = &p[1];
	uint64_t key = 0;

	for (int round = 0; round < 3; round++) {
		register_key(a);
		must(a, ST_GOOD, pr_out(a, OUT_RESERVE, WRITE_EXCLUSIVE, a->key, 0, 0), "RESERVE");
		party_lose(a);
		must(b, ST_CONFLICT, party_write(b), "WRITE while the holder is away");
		party_forget_ua(a);
		party_login(a, 1);
		must(a, ST_GOOD, party_write(a), "WRITE of the holder that is back");
		must(b, ST_CONFLICT, party_write(b), "WRITE when the holder is back");
		if (pr_type(a, &key) != WRITE_EXCLUSIVE || key != a->key)
			fail("the reservation did not outlive the connection");
		must(a, ST_GOOD, pr_out(a, OUT_RELEASE, WRITE_EXCLUSIVE, a->key, 0, 0), "RELEASE with the key of before");
		must(a, ST_GOOD, pr_out(a, OUT_REGISTER, 0, a->key, 0, 0), "unregister");
		must(b, ST_GOOD, party_write(b), "WRITE after the release");
	}
	printf("3 times away and back, registered and the holder all the time\n");
}

/* Power on, reset, or nexus loss: each of them ends a SCSI-2 reservation. */
static bool heard_loss(const struct party *p)
{
	for (uint32_t i = 0; i < p->n_ua; i++)
		if (p->ua[i] >> 8 == 0x29)
			return true;
	return false;
}

static void run_lost(struct party *p, const char *command)
{
	struct party *a = &p[0], *b = &p[1];
	uint8_t status;
	bool kept;

	/* SCSI-2: no target keeps it. */
	must(a, ST_GOOD, party_simple(a, RESERVE_6), "RESERVE");
	party_forget_ua(a);
	if (system(command))
		fail("cannot run: %s", command);
	must(a, ST_GOOD, party_write(a), "WRITE");
	if (!heard_loss(a) && !party_heard(a, RELEASED))
		fail("the SCSI-2 reservation went with the back-end's session, and its host was not told");
	must(b, ST_GOOD, party_write(b), "WRITE");

	register_key(a);
	must(a, ST_GOOD, pr_out(a, OUT_RESERVE, WRITE_EXCLUSIVE, a->key, 0, 0), "RESERVE");
	party_forget_ua(a);
	if (system(command))
		fail("cannot run: %s", command);
	status = party_write(a);
	kept = pr_out(a, OUT_REGISTER, 0, a->key, a->key, 0) == ST_GOOD;
	if (kept && party_heard(a, REGISTRATIONS_PREEMPTED))
		fail("the registration is there, and its host was told that it is gone");
	if (!kept && !party_heard(a, REGISTRATIONS_PREEMPTED))
		fail("the registration is gone, and its host was not told");
	if (kept)
		must(a, ST_GOOD, status, "WRITE of the holder");
	printf("the back-end's session ended: the registration is %s, and the host knows\n", kept ? "kept" : "lost");
	register_key(b);
	must(b, ST_GOOD, pr_out(b, OUT_CLEAR, 0, b->key, 0, 0), "CLEAR");
}

void client_pr(const struct client *c, const struct fabric_addr *other, char **argv)
{
	struct party p[3];

	for (uint32_t i = 0; i < 3; i++) {
		party_init(&p[i], c, i == 0 ? &c->dst : other);
		party_login(&p[i], i + 1);
		/* What every new session is told. */
		must(&p[i], ST_GOOD, party_simple(&p[i], TEST_UNIT_READY), "TEST UNIT READY");
	}
	if (strcmp(argv[0], "types") == 0)
		run_types(p, &p[2]);
	else if (strcmp(argv[0], "preempt") == 0 && argv[1])
		run_preempt(p, (unsigned)atoi(argv[1]));
	else if (strcmp(argv[0], "scsi2") == 0)
		run_scsi2(p);
	else if (strcmp(argv[0], "reconnect") == 0)
		run_reconnect(p);
	else if (strcmp(argv[0], "lost") == 0 && argv[1])
		run_lost(p, argv[1]);
	else
		fail("pr: what?");
	for (int i = 0; i < 3; i++)
		party_logout(&p[i]);
}
