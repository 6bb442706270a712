/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Logins, see port.h: policy on control, then the shard admits, then control accepts at the fabric, then the shard is
 * told.
 * Layer: core. Source: SRP r16a LOGIN_REQ; 2.3 multichannel.
 */
#include "port.h"

#include "../base/log.h"
#include "core_private.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int port_init(struct port *p, struct core *core, uint32_t n_shards)
{
	p->core = core;
	for (unsigned i = 0; i < PORT_BUCKETS; i++)
		list_init(&p->bucket[i]);
	list_init(&p->pending);
	p->shard_nexuses = calloc(n_shards, sizeof(*p->shard_nexuses));
	return p->shard_nexuses ? 0 : -ENOMEM;
}

void port_free(struct port *p)
{
	for (unsigned i = 0; i < PORT_BUCKETS; i++)
		list_for_each_safe(pos, &p->bucket[i]) {
			list_del(pos);
			free(list_entry(pos, struct port_entry, node));
		}
	list_for_each_safe(pos, &p->pending) {
		list_del(pos);
		free(list_entry(pos, struct login, pending_node));
	}
	free(p->shard_nexuses);
}

/* ---- registry ---- */

static struct port_entry *entry_find(struct port *p, const struct nexus_key *key)
{
	struct list *bucket = &p->bucket[nexus_key_hash(key) % PORT_BUCKETS];

	list_for_each(pos, bucket) {
		struct port_entry *e = list_entry(pos, struct port_entry, node);

		if (nexus_key_equal(&e->key, key))
			return e;
	}
	return NULL;
}

static uint32_t emptiest_shard(const struct port *p)
{
	uint32_t best = 0;

	for (uint32_t i = 1; i < p->core->n_shards; i++)
		if (p->shard_nexuses[i] < p->shard_nexuses[best])
			best = i;
	return best;
}

static struct port_entry *entry_create(struct port *p, const struct nexus_key *key)
{
	struct port_entry *e = calloc(1, sizeof(*e));

	if (!e)
		return NULL;
	e->key = *key;
	e->shard = emptiest_shard(p);
	p->shard_nexuses[e->shard]++;
	p->n_nexuses++;
	list_push_back(&p->bucket[nexus_key_hash(key) % PORT_BUCKETS], &e->node);
	return e;
}

static void entry_settle(struct port *p, struct port_entry *e)
{
	if (e->n_channels || e->n_logins || e->n_alive)
		return;
	list_del(&e->node);
	p->shard_nexuses[e->shard]--;
	p->n_nexuses--;
	free(e);
}

static void count_channel(struct port *p, struct port_entry *e, int by)
{
	e->n_channels += (uint32_t)by;
	p->n_channels += (uint32_t)by;
}

void port_channel_gone(struct reactor_msg *msg)
{
	struct channel *ch = container_of(msg, struct channel, gone);
	struct port *p = &ch->shard->core->port;

	count_channel(p, ch->entry, -1);
	entry_settle(p, ch->entry);
	channel_free(ch);
}

void port_nexus_gone(struct reactor_msg *msg)
{
	struct nexus *n = container_of(msg, struct nexus, gone);
	struct port *p = &n->shard->core->port;

	n->entry->n_alive--;
	entry_settle(p, n->entry);
	nexus_free(n);
}

/* ---- answers ---- */

static void log_login(const struct nexus_key *key, const struct fabric_addr *peer, enum outcome why,
		      const struct login *l)
{
	char k[NEXUS_KEY_STRLEN], a[FABRIC_ADDR_STRLEN];

	nexus_key_str(key, k);
	fabric_addr_str(peer, a);
	if (why == OUTCOME_OK)
		log_info("login of %s from %s accepted: session %u, channel %u, request limit %u%s%s%s", k, a,
			 l->session_id, l->ch_number, l->terms.req_lim,
			 l->terms.srp.imm_granted ? ", immediate data" : "",
			 l->terms.revision_10 ? ", identifiers of revision 10" : "",
			 l->multi_result == SRP_RSP_MULTI_TERMINATED ? ", replaces its earlier channels" : "");
	else
		log_warn("login of %s from %s refused: %s (reason 0x%08x)", k, a, outcome_row(why)->text,
			 outcome_row(why)->value);
}

static void refuse(struct port *p, struct fabric_conn *conn, const struct nexus_key *key,
		   const struct fabric_addr *peer, uint64_t tag, enum outcome why)
{
	uint8_t rej[SRP_LOGIN_REJ_LEN];
	uint32_t reason = outcome_row(why)->value & 0xff;

	log_login(key, peer, why, NULL);
	p->refused_total++;
	if (reason < sizeof(p->refused_by_reason_total) / sizeof(p->refused_by_reason_total[0]))
		p->refused_by_reason_total[reason]++;
	conn->ops->reject(conn, rej, login_rej_build(tag, why, rej));
}

static void login_forget(struct login *l)
{
	struct port *p = l->port;

	list_del(&l->pending_node);
	p->n_pending--;
	l->entry->n_logins--;
	entry_settle(p, l->entry);
	free(l);
}

/* Control told the shard about accept(); the record comes back to be freed. */
static void told(struct reactor_msg *msg)
{
	login_forget(container_of(msg, struct login, msg));
}

static void tell_shard(struct reactor_msg *msg)
{
	struct login *l = container_of(msg, struct login, msg);
	struct shard *s = l->shard;

	shard_enter(s);
	channel_accepted(l->ch, l->accepted);
	shard_leave(s);
	l->msg.fn = told;
	reactor_send(s->control, &l->msg);
}

static int accept_at_fabric(struct login *l)
{
	uint8_t rsp[SRP_LOGIN_RSP_LEN];
	struct fabric_accept a = {
		.reactor = l->shard->reactor,
		.cbs = &channel_cbs,
		.ctx = l->ch,
		.priv = rsp,
		.n_recv = l->terms.n_recv,
		.sq_depth = l->terms.sq_depth,
	};

	if (l->gone)
		return -ENOTCONN;
	a.priv_len = login_rsp_build(&l->terms, l->multi_result, rsp);
	return l->conn->ops->accept(l->conn, &a);
}

/* The shard's answer arrived on control. */
static void replied(struct reactor_msg *msg)
{
	struct login *l = container_of(msg, struct login, msg);
	struct port *p = l->port;
	int rc;

	if (l->nexus_created)
		l->entry->n_alive++;
	if (!l->ch) {
		refuse(p, l->conn, &l->key, &l->peer, l->terms.tag, l->why);
		count_channel(p, l->entry, -1);
		login_forget(l);
		return;
	}
	rc = accept_at_fabric(l);
	l->accepted = rc == 0;
	if (l->accepted) {
		p->accepted_total++;
		log_login(&l->key, &l->peer, OUTCOME_OK, l);
	} else {
		refuse(p, l->conn, &l->key, &l->peer, l->terms.tag,
		       rc == -ENOTCONN ? OUTCOME_LOGIN_GIVEN_UP : OUTCOME_LOGIN_RESOURCES);
	}
	l->conn = NULL; /* the channel's, or gone */
	l->msg.fn = tell_shard;
	reactor_send(l->shard->reactor, &l->msg);
}

void port_reply(struct login *l)
{
	l->msg.fn = replied;
	reactor_send(l->shard->control, &l->msg);
}

/* ---- a LOGIN_REQ arrives ---- */

static void on_shard(struct reactor_msg *msg)
{
	struct login *l = container_of(msg, struct login, msg);
	struct shard *s = l->shard;
	struct nexus *n;

	shard_enter(s);
	n = nexus_find(s, &l->key);
	if (!n && s->draining) {
		l->why = OUTCOME_LOGIN_DRAINING;
	} else if (!n) {
		n = nexus_create(s, &l->key, &l->peer, &l->why);
		l->nexus_created = n != NULL;
		if (n)
			n->entry = l->entry;
	}
	if (n)
		nexus_login(n, l);
	else
		port_reply(l);
	shard_leave(s);
}

static void send_to_shard(struct port *p, struct login *l, struct port_entry *e)
{
	l->entry = e;
	l->port = p;
	l->shard = p->core->shard[e->shard];
	e->n_logins++;
	count_channel(p, e, 1);
	e->addr = l->peer;
	list_push_back(&p->pending, &l->pending_node);
	p->n_pending++;
	l->msg.fn = on_shard;
	reactor_send(l->shard->reactor, &l->msg);
}

static enum outcome decide(struct port *p, const struct fabric_login *login, struct fabric_conn *conn,
			   struct nexus_key *key, struct port_entry **entry, struct fabric_limits *limits,
			   struct login_terms *terms)
{
	enum srp_login_form form = login->form == FABRIC_LOGIN_NATIVE ? SRP_LOGIN_FORM_NATIVE : SRP_LOGIN_FORM_RDMA_CM;
	struct login_facts facts = { .draining = p->draining, .channels = p->n_channels, .nexuses = p->n_nexuses };
	struct srp_login_req req;
	enum srp_error decoded = srp_login_req_decode(login->priv, login->priv_len, form, &req);
	bool turned = login_turn_identifiers(core_map(p->core), &req);
	enum outcome why;

	terms->tag = req.tag;
	nexus_key_init(key, req.i_port_id, req.t_port_id, &login->peer);
	*entry = entry_find(p, key);
	if (*entry) {
		facts.nexus_live = true;
		facts.same_host = fabric_addr_same_host(&(*entry)->addr, &login->peer);
		facts.nexus_logins = (*entry)->n_logins;
		facts.nexus_channels = (*entry)->n_channels;
	}
	conn->ops->limits(conn, limits);
	why = login_decide(decoded, &req, core_map(p->core), &login->peer, limits, &facts, terms);
	terms->revision_10 = turned;
	return why;
}

static void on_login(void *arg, struct fabric_conn *conn, const struct fabric_login *login)
{
	struct port *p = &((struct core *)arg)->port;
	struct login *l = p->n_pending < PORT_MAX_PENDING ? calloc(1, sizeof(*l)) : NULL;
	struct fabric_limits limits;
	struct login_terms terms = { .tag = 0 };
	struct port_entry *e;
	struct nexus_key key;
	enum outcome why = decide(p, login, conn, &key, &e, &limits, &terms);

	if (why == OUTCOME_OK && !l)
		why = OUTCOME_LOGIN_RESOURCES;
	if (why == OUTCOME_OK && !e) {
		e = entry_create(p, &key);
		if (!e)
			why = OUTCOME_LOGIN_RESOURCES;
	}
	if (why != OUTCOME_OK) {
		free(l);
		refuse(p, conn, &key, &login->peer, terms.tag, why);
		return;
	}
	l->conn = conn;
	l->key = key;
	l->peer = login->peer;
	l->limits = limits;
	l->terms = terms;
	snprintf(l->device, sizeof(l->device), "%s", login->device ? login->device : "");
	send_to_shard(p, l, e);
}

static void on_gone(void *arg, struct fabric_conn *conn)
{
	struct port *p = &((struct core *)arg)->port;

	list_for_each(pos, &p->pending) {
		struct login *l = list_entry(pos, struct login, pending_node);

		if (l->conn == conn)
			l->gone = true;
	}
}

const struct fabric_listen_cbs core_listen_cbs = {
	.login = on_login,
	.gone = on_gone,
};
