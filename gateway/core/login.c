/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Login policy, see login.h. Layer: core.
 */
#include "login.h"

#include "shard.h"
#include "task.h"

#include <string.h>

static uint32_t min_u32(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static enum outcome decode_outcome(enum srp_error e)
{
	switch (e) {
	case SRP_OK:
		return OUTCOME_OK;
	case SRP_ERR_IU_LEN_SMALL:
		return OUTCOME_LOGIN_IU_SMALL;
	case SRP_ERR_MULTI_ACTION:
		return OUTCOME_LOGIN_MULTI_ACTION;
	case SRP_ERR_BUF_FORMAT:
		return OUTCOME_LOGIN_BUF_FORMAT;
	default:
		return OUTCOME_LOGIN_MALFORMED;
	}
}

static void swap_halves(const uint8_t from[SRP_PORT_ID_LEN], uint8_t to[SRP_PORT_ID_LEN])
{
	memcpy(to, from + SRP_PORT_ID_LEN / 2, SRP_PORT_ID_LEN / 2);
	memcpy(to + SRP_PORT_ID_LEN / 2, from, SRP_PORT_ID_LEN / 2);
}

bool login_turn_identifiers(const struct map *map, struct srp_login_req *req)
{
	struct srp_login_req turned = *req;

	/* Where both halves are the same, as with the kernel's targets, the form cannot be told. */
	if (!map || map_find_target(map, req->t_port_id))
		return false;
	swap_halves(req->t_port_id, turned.t_port_id);
	swap_halves(req->i_port_id, turned.i_port_id);
	if (!map_find_target(map, turned.t_port_id))
		return false;
	*req = turned;
	return true;
}

/* Who asks for what: target, group, address. */
static enum outcome admit(const struct srp_login_req *req, const struct map *map, const struct fabric_addr *peer,
			  const struct login_facts *facts)
{
	const struct target_conf *target = map_find_target(map, req->t_port_id);

	if (!target)
		return OUTCOME_LOGIN_NO_TARGET;
	if (!map_find_group(target, req->i_port_id, peer))
		return OUTCOME_LOGIN_NOT_ALLOWED;
	if (facts->nexus_live && !facts->same_host && !map->allow_address_move)
		return OUTCOME_LOGIN_OTHER_ADDRESS;
	return OUTCOME_OK;
}

/* SINGLE replaces the channels of its nexus, so only MULTI and new nexuses add to the counts. */
static enum outcome check_counts(bool multi, const struct map *map, const struct login_facts *facts)
{
	uint32_t per_nexus = map_or(map->max_channels_per_nexus, MAP_MAX_CHANNELS_PER_NEXUS);
	uint32_t replaced = multi ? 0 : facts->nexus_channels;

	if (multi && facts->nexus_channels >= per_nexus)
		return per_nexus == 1 ? OUTCOME_LOGIN_NO_MULTI : OUTCOME_LOGIN_NEXUS_CHANNELS;
	if (!multi && facts->nexus_logins >= LOGIN_NEXUS_PENDING)
		return OUTCOME_LOGIN_PENDING;
	if (facts->channels - min_u32(replaced, facts->channels) >= map_or(map->max_channels, MAP_MAX_CHANNELS))
		return OUTCOME_LOGIN_CHANNELS;
	if (!facts->nexus_live && facts->nexuses >= map_or(map->max_nexuses, MAP_MAX_NEXUSES))
		return OUTCOME_LOGIN_NEXUSES;
	return OUTCOME_OK;
}

static bool grant_immediate(const struct srp_login_req *req, const struct map *map, uint32_t it_iu_len)
{
	uint32_t cap = map_or(map->max_imm_data_offset, MAP_MAX_IMM_OFFSET);

	return (req->req_flags & SRP_LOGIN_IMMED_REQ) && map->immediate_data && req->imm_data_offset >= SRP_CMD_LEN &&
	       req->imm_data_offset <= cap && req->imm_data_offset < it_iu_len;
}

enum outcome login_decide(enum srp_error decoded, const struct srp_login_req *req, const struct map *map,
			  const struct fabric_addr *peer, const struct fabric_limits *limits,
			  const struct login_facts *facts, struct login_terms *terms)
{
	enum outcome why = decode_outcome(decoded);
	uint32_t it_iu_len, sq_depth;

	if (why != OUTCOME_OK)
		return why;
	if (!map || facts->draining)
		return OUTCOME_LOGIN_DRAINING;
	it_iu_len = min_u32(map_or(map->max_it_iu_len, MAP_MAX_IT_IU_LEN), limits->rx_bytes);
	if (req->req_it_iu_len > it_iu_len)
		return OUTCOME_LOGIN_IU_LARGE;
	why = admit(req, map, peer, facts);
	if (why != OUTCOME_OK)
		return why;
	why = check_counts((req->req_flags & SRP_MULTI_MASK) == SRP_MULTI_MULTI, map, facts);
	if (why != OUTCOME_OK)
		return why;
	if (limits->max_recv <= LOGIN_RECV_RESERVE || limits->sq_depth < 2)
		return OUTCOME_LOGIN_RESOURCES;

	*terms = (struct login_terms){ .tag = req->tag, .it_iu_len = it_iu_len };
	terms->req_lim = min_u32(map_or(map->req_lim, MAP_REQ_LIM), limits->max_recv - LOGIN_RECV_RESERVE);
	terms->n_recv = terms->req_lim + LOGIN_RECV_RESERVE;
	sq_depth = terms->req_lim < 16 ? 64 : 4 * terms->req_lim;
	terms->sq_depth = min_u32(sq_depth, limits->sq_depth);
	terms->ti_iu_len = min_u32(req->req_it_iu_len, TASK_RSP_BYTES);
	terms->multi = (req->req_flags & SRP_MULTI_MASK) == SRP_MULTI_MULTI;
	terms->solnt = req->req_flags & (SRP_LOGIN_LOSOLNT | SRP_LOGIN_CRSOLNT | SRP_LOGIN_AESOLNT);
	terms->srp = (struct srp_terms){
		.imm_granted = grant_immediate(req, map, it_iu_len),
		.imm_data_offset = req->imm_data_offset,
		.max_table_entries = map_or(map->max_table_entries, MAP_MAX_TABLE),
		.formats_direct = req->buf_fmt & SRP_BUF_DIRECT,
		.formats_indirect = req->buf_fmt & SRP_BUF_INDIRECT,
	};
	return OUTCOME_OK;
}

size_t login_rsp_build(const struct login_terms *terms, uint8_t multi_result, uint8_t buf[SRP_LOGIN_RSP_LEN])
{
	struct srp_login_rsp rsp = {
		.req_lim_delta = terms->req_lim,
		.tag = terms->tag,
		.max_it_iu_len = terms->it_iu_len,
		.max_ti_iu_len = terms->ti_iu_len,
		.buf_fmt = SRP_BUF_DIRECT | SRP_BUF_INDIRECT,
		.rsp_flags = multi_result | SRP_RSP_SOLNT_SUPP | (terms->srp.imm_granted ? SRP_RSP_IMMED_SUPP : 0),
	};

	return srp_login_rsp_encode(&rsp, buf, SRP_LOGIN_RSP_LEN);
}

size_t login_rej_build(uint64_t tag, enum outcome why, uint8_t buf[SRP_LOGIN_REJ_LEN])
{
	struct srp_login_rej rej = {
		.reason = outcome_row(why)->value,
		.tag = tag,
		.buf_fmt = SRP_BUF_DIRECT | SRP_BUF_INDIRECT,
	};

	return srp_login_rej_encode(&rej, buf, SRP_LOGIN_REJ_LEN);
}
