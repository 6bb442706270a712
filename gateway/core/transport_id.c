/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * TransportIDs, see transport_id.h. Layer: core.
 */
#include "transport_id.h"

#include "../base/be.h"
#include "core.h"
#include "key.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum {
	LIST_BYTES = 24,       /* fixed part of both parameter lists */
	SPEC_I_PT_AT = 20,     /* REGISTER: byte and bit */
	SPEC_I_PT = 0x08,
	MOVE_LEN_AT = 20,      /* REGISTER AND MOVE: length of the one TransportID */
	SRP_ID_BYTES = 24,
	SRP_ID_PORT_AT = 8,
	PROTOCOL_MASK = 0x0f,
	PROTOCOL_SRP = 0x04,
	PROTOCOL_ISCSI = 0x05,
	FORMAT_MASK = 0xc0,
	ISCSI_WITH_ISID = 0x40, /* FORMAT CODE 01b */
	ISCSI_HEADER = 4,
	ISCSI_MIN_ADDITIONAL = 20,
	TEXT_MAX = IDENTITY_NAME_MAX + 32,
};

bool transport_list_has_ids(uint8_t service_action, const uint8_t *list, size_t len)
{
	switch (service_action) {
	case PR_OUT_REGISTER_AND_MOVE:
		return true;
	case PR_OUT_REGISTER:
	case PR_OUT_REGISTER_AND_IGNORE:
		return len > SPEC_I_PT_AT && list[SPEC_I_PT_AT] & SPEC_I_PT;
	default:
		return false;
	}
}

/* ---- to the back-end ---- */

/* The iSCSI initiator port: "name,i,0xISID". Return: its length. */
static size_t port_text(const struct identity *who, char text[TEXT_MAX])
{
	const uint8_t *isid = who->isid;

	return (size_t)snprintf(text, TEXT_MAX, "%s,i,0x%02x%02x%02x%02x%02x%02x", who->initiator_name, isid[0], isid[1], isid[2],
				isid[3], isid[4], isid[5]);
}

/* That, its end and padding to a multiple of four. Return: bytes of the TransportID. */
static size_t put_iscsi_id(const struct identity *who, uint8_t *out)
{
	char text[TEXT_MAX] = "";
	size_t len = port_text(who, text) + 1;
	size_t additional = (len + 3) & ~(size_t)3;

	if (additional < ISCSI_MIN_ADDITIONAL)
		additional = ISCSI_MIN_ADDITIONAL;
	memset(out, 0, ISCSI_HEADER + additional);
	out[0] = ISCSI_WITH_ISID | PROTOCOL_ISCSI;
	out[2] = (uint8_t)(additional >> 8);
	out[3] = (uint8_t)additional;
	memcpy(out + ISCSI_HEADER, text, len);
	return ISCSI_HEADER + additional;
}

/* Return: bytes written to @out, 0 when the back-end knows nobody by it. */
static size_t translate_id(const struct transport_names *names, const uint8_t *id, uint8_t *out)
{
	const uint8_t *port = id + SRP_ID_PORT_AT;
	struct identity who;

	if ((id[0] & (FORMAT_MASK | PROTOCOL_MASK)) != PROTOCOL_SRP)
		return 0;
	if (memcmp(port, names->own_id, SRP_PORT_ID_LEN) == 0)
		return put_iscsi_id(names->own, out);
	/* Where the identity hangs on an address, this identifier says nothing. */
	if (i_port_id_is_anonymous(port) || !names->find(names->arg, port, &who))
		return 0;
	return put_iscsi_id(&who, out);
}

static enum outcome refuse_at(size_t at, uint16_t *field)
{
	*field = (uint16_t)at;
	return OUTCOME_PARAMETER;
}

static enum outcome translate_ids(const struct transport_names *names, const uint8_t *list, size_t from, size_t len,
				  uint8_t *out, size_t *at, uint16_t *field)
{
	if (len == 0 || len % SRP_ID_BYTES != 0 || len / SRP_ID_BYTES > TRANSPORT_IDS_MAX)
		return refuse_at(from - 4, field);
	for (size_t k = 0; k < len; k += SRP_ID_BYTES) {
		size_t n = translate_id(names, list + from + k, out + *at);

		if (n == 0)
			return refuse_at(from + k, field);
		*at += n;
	}
	return OUTCOME_OK;
}

enum outcome transport_list_translate(const struct transport_names *names, uint8_t service_action, const uint8_t *list,
				      size_t len, uint8_t *out, size_t *out_len, uint16_t *field)
{
	bool move = service_action == PR_OUT_REGISTER_AND_MOVE;
	size_t len_at = move ? MOVE_LEN_AT : LIST_BYTES, from = len_at + 4, at = from;
	enum outcome why;

	*field = 0;
	/* The bit has no meaning there, and the device would read SRP's form. */
	if (service_action == PR_OUT_REGISTER_AND_IGNORE)
		return refuse_at(SPEC_I_PT_AT, field);
	if (len < from || be32_at(list + len_at) != len - from)
		return OUTCOME_PARAMETER_LENGTH;
	if (move && len - from != SRP_ID_BYTES)
		return refuse_at(MOVE_LEN_AT, field);
	memcpy(out, list, from);
	why = translate_ids(names, list, from, len - from, out, &at, field);
	be32_put(out + len_at, (uint32_t)(at - from));
	*out_len = at;
	return why;
}

/* ---- to the host ---- */

/* Case says nothing in the hexadecimal digits of the ISID, nor in names (RFC 3722). */
static bool is_port(const struct identity *who, const char *text, size_t len)
{
	char own[TEXT_MAX];
	size_t n = port_text(who, own);

	return len >= n && strncasecmp(text, own, n) == 0 && (len == n || text[n] == '\0');
}

bool transport_id_to_srp(const struct transport_names *names, const uint8_t *id, size_t len, uint8_t out[24])
{
	const char *text = (const char *)id + ISCSI_HEADER;
	uint8_t port[SRP_PORT_ID_LEN];

	if (len <= ISCSI_HEADER || (id[0] & PROTOCOL_MASK) != PROTOCOL_ISCSI)
		return false;
	len -= ISCSI_HEADER;
	/* A configured name may be that of many: only with its ISID it says who. */
	if (id[0] & ISCSI_WITH_ISID && is_port(names->own, text, len))
		memcpy(port, names->own_id, sizeof(port));
	else if (!identity_parse_name(names->gateway_name, text, len, port))
		return false;
	memset(out, 0, SRP_ID_BYTES);
	out[0] = PROTOCOL_SRP;
	memcpy(out + SRP_ID_PORT_AT, port, sizeof(port));
	return true;
}
