/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The control thread's side of logins: which nexus lives on which reactor, from which address, and how many channels
 * there are. Everything here runs on the control reactor but port_reply(). Layer: core.
 */
#ifndef CORE_PORT_H
#define CORE_PORT_H

#include "channel.h"
#include "key.h"
#include "login.h"
#include "nexus.h"
#include "shard.h"

#define PORT_BUCKETS 256u
#define PORT_MAX_PENDING 256u /* logins on their way */

/* A nexus as control knows it: it exists on its shard, or logins for it are on their way. */
struct port_entry {
	struct list_node node;
	struct nexus_key key;
	struct fabric_addr addr; /* of the host that it is bound to */
	uint32_t shard;
	uint32_t n_channels; /* made or being made */
	uint32_t n_logins;   /* on their way */
	uint32_t n_alive;    /* nexus objects; 2 for a moment while one goes and the next comes */
};

/* A login on its way: owned by control, by the shard between send and port_reply(), and by control again. */
struct login {
	struct list_node node;         /* nexus->logins */
	struct list_node pending_node; /* port->pending */
	struct reactor_msg msg;
	struct port *port;
	struct shard *shard;
	struct port_entry *entry;
	struct fabric_conn *conn;
	struct nexus_key key;
	struct fabric_addr peer;
	char device[32];
	struct fabric_limits limits;
	struct login_terms terms;
	bool gone; /* the peer gave up; control's */

	/* the shard's answer */
	enum outcome why;
	uint8_t multi_result;
	bool nexus_created;
	struct channel *ch;
	uint32_t session_id, ch_number; /* for the log: the channel itself is the shard's */
	bool accepted; /* control's, back to the shard */
};

struct port {
	struct core *core;
	struct list bucket[PORT_BUCKETS];
	struct list pending;
	uint32_t n_pending, n_channels, n_nexuses;
	uint32_t *shard_nexuses; /* per shard: nexuses there */
	bool draining;
	uint64_t accepted_total, refused_total;
	uint64_t refused_by_reason_total[7];
};

int port_init(struct port *p, struct core *core, uint32_t n_shards) WARN_UNUSED;
void port_free(struct port *p);

/* Reactor: the shard's answer to @l is filled in. */
void port_reply(struct login *l);
/* Control: a nexus is gone (message nexus->gone). */
void port_nexus_gone(struct reactor_msg *msg);

#endif
