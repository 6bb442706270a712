/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Initiators in persistent reservations, see pr.h. Rare commands: text is formatted and bytes are copied here.
 * Layer: core.
 */
#include "pr.h"

#include "chain.h"
#include "../base/be.h"
#include "io.h"
#include "lu.h"
#include "nexus.h"
#include "path.h"
#include "transport_id.h"

#include <string.h>

enum {
	READ_FULL_STATUS = 0x03,
	LIST_LEN_AT = 5,         /* of the CDB: PARAMETER LIST LENGTH, four bytes */
	STATUS_HEADER = 8,       /* of READ FULL STATUS */
	STATUS_DESC = 24,        /* a descriptor without its TransportID */
	DESC_ADDITIONAL_AT = 20,
	SRP_ID = 24,
	ISCSI_ID_MAX = 512,
};

static const char *gateway_name(const struct shard *s)
{
	return s->map->gateway_name ? s->map->gateway_name : core_gateway_name(s->core);
}

static bool names_by_group(const struct target_conf *t)
{
	for (size_t i = 0; i < t->n_group; i++)
		if (t->group[i].initiator_name)
			return true;
	return false;
}

/* Who another host is at the back-end of @arg, a path: what the configuration says of its identifier. */
static bool find_identity(const void *arg, const uint8_t i_port_id[SRP_PORT_ID_LEN], struct identity *out)
{
	const struct path *p = arg;
	const struct nexus *n = p->nexus;
	struct identity_of of = {
		.gateway_name = gateway_name(p->shard), .i_port_id = i_port_id, .t_port_id = n->key.t_port_id
	};

	if (!p->backend->initiator_name && n->target && names_by_group(n->target) &&
	    !map_find_group_of_id(n->target, i_port_id, &of.group))
		return false;
	identity_make(&of, p->backend, out);
	return true;
}

static struct transport_names names_of(const struct path *p)
{
	return (struct transport_names){
		.gateway_name = gateway_name(p->shard),
		.own_id = p->nexus->key.i_port_id,
		.own = &p->identity,
		.find = find_identity,
		.arg = p,
	};
}

/* ---- PERSISTENT RESERVE OUT ---- */

static bool refuse(struct task *t, enum outcome why, uint16_t field)
{
	task_refuse(t, why);
	if (why == OUTCOME_PARAMETER)
		scsi_sense_point_at_data(t->reply.own_sense, field);
	return false;
}


/* The list in the io becomes @list; what it was received in stays until the io is released. */
static bool replace_list(struct task *t, const uint8_t *list, size_t len)
{
	struct pool *pool = t->shard->pool;
	struct io *io = t->io;
	struct buf *data;

	if (pool_get(pool, len, &data) < 0)
		return false;
	chain_write(data, 0, list, (uint32_t)len);
	pool_put(pool, io->data);
	io->data = data;
	t->imm = (struct buf){ .next = NULL };
	io_rewind(io);
	be32_put(io->cdb + LIST_LEN_AT, (uint32_t)len);
	return true;
}

bool pr_out_translate(struct task *t)
{
	uint8_t list[TRANSPORT_LIST_MAX], out[TRANSPORT_OUT_MAX], action = t->cdb[1] & 0x1f;
	const struct buf *data = t->imm.addr ? &t->imm : t->io->data;
	uint32_t len = be32_at(t->cdb + LIST_LEN_AT);
	const struct transport_names names = names_of(t->lu->path);
	enum outcome why;
	uint16_t field;
	size_t out_len;

	/* It was translated before, and the path went down before it could go. */
	if (memcmp(t->io->cdb + LIST_LEN_AT, t->cdb + LIST_LEN_AT, 4) != 0)
		return true;
	if (t->dir != SRPGW_DIR_OUT)
		return true;
	if (len > t->data_len)
		len = t->data_len;
	chain_read(data, 0, list, len < sizeof(list) ? len : (uint32_t)sizeof(list));
	registration_order(t->io, list, len < sizeof(list) ? len : (uint32_t)sizeof(list));
	if (!transport_list_has_ids(action, list, len))
		return true;
	if (len > sizeof(list))
		return refuse(t, OUTCOME_PARAMETER_LENGTH, 0);
	if (!t->lu->path->backend->limits.iscsi_transport_ids)
		return refuse(t, OUTCOME_PARAMETER, action == PR_OUT_REGISTER_AND_MOVE ? 24 : 20);
	why = transport_list_translate(&names, action, list, len, out, &out_len, &field);
	if (why == OUTCOME_OK && !replace_list(t, out, out_len))
		why = OUTCOME_TASK_SET_FULL;
	return why == OUTCOME_OK || refuse(t, why, field);
}

/* ---- PERSISTENT RESERVE IN, READ FULL STATUS ---- */

/* Moves one descriptor of @from to @to. Return: bytes of it there. */
static uint32_t move_descriptor(struct io *io, uint32_t from, uint32_t to, uint32_t len)
{
	const struct transport_names names = names_of(io->path);
	uint8_t desc[STATUS_DESC + SRP_ID] = { 0 }, id[ISCSI_ID_MAX];
	uint32_t id_len = len - STATUS_DESC;

	if (id_len <= sizeof(id)) {
		chain_read(io->data, from + STATUS_DESC, id, id_len);
		if (transport_id_to_srp(&names, id, id_len, desc + STATUS_DESC)) {
			chain_read(io->data, from, desc, STATUS_DESC);
			be32_put(desc + DESC_ADDITIONAL_AT, SRP_ID);
			chain_write(io->data, to, desc, sizeof(desc));
			return sizeof(desc);
		}
	}
	if (to < from)
		chain_move(io->data, to, from, len);
	return len;
}

/* Return: by how many bytes the @len bytes of data became fewer. */
static uint32_t translate_status(struct io *io, uint32_t len)
{
	uint32_t from = STATUS_HEADER, to = STATUS_HEADER;
	uint8_t head[STATUS_DESC] = { 0 };

	while (from + STATUS_DESC <= len) {
		uint64_t desc_len;

		chain_read(io->data, from, head, STATUS_DESC);
		desc_len = (uint64_t)STATUS_DESC + be32_at(head + DESC_ADDITIONAL_AT);
		/* A descriptor that the allocation length cut off stays as it is: nobody may read it. */
		if (desc_len > len - from)
			break;
		to += move_descriptor(io, from, to, (uint32_t)desc_len);
		from += (uint32_t)desc_len;
	}
	if (to < from)
		chain_move(io->data, to, from, len - from);
	return from - to;
}

void pr_in_translate(struct io *io)
{
	const struct task *t = io->task;
	uint32_t len = t ? t->data_len : 0, cut;
	uint8_t total[4] = { 0 };

	if (!t || t->dir != SRPGW_DIR_IN || !io->data || io->pub.status != SCSI_GOOD ||
	    (io->cdb[1] & 0x1f) != READ_FULL_STATUS || !io->path->backend->limits.iscsi_transport_ids)
		return;
	if (io->pub.resid_kind == SRPGW_RESID_UNDER)
		len = io->pub.resid < len ? len - io->pub.resid : 0;
	if (len < STATUS_HEADER)
		return;
	cut = translate_status(io, len);
	if (cut == 0)
		return;
	/* Of what did not fit, the length stays that of the back-end's form: who asks for so much gets all. */
	chain_read(io->data, 4, total, sizeof(total));
	be32_put(total, be32_at(total) - cut);
	chain_write(io->data, 4, total, sizeof(total));
	io->pub.resid_kind = SRPGW_RESID_UNDER;
	io->pub.resid = t->data_len - (len - cut);
}
