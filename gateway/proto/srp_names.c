// SPDX-License-Identifier: BSD-3-Clause
/*
 * Words for SRP's numbers, for logs and status documents. Layer: proto. Knows base only.
 */
#include "srp_iu.h"

const char *srp_error_name(enum srp_error e)
{
	switch (e) {
	case SRP_OK:
		return "ok";
	case SRP_ERR_SHORT:
		return "information unit too short";
	case SRP_ERR_OPCODE:
		return "unexpected opcode";
	case SRP_ERR_IU_LEN_SMALL:
		return "requested IU length below 64 bytes";
	case SRP_ERR_MULTI_ACTION:
		return "reserved multichannel action";
	case SRP_ERR_BUF_FORMAT:
		return "no usable buffer format offered";
	case SRP_ERR_ADD_CDB_RESERVED:
		return "reserved bits in the additional CDB length";
	case SRP_ERR_DATA_OUT_FORMAT:
		return "data-out descriptor format";
	case SRP_ERR_DATA_IN_FORMAT:
		return "data-in descriptor format";
	case SRP_ERR_DESC_BOUNDS:
		return "descriptors beyond the end of the IU";
	case SRP_ERR_IMM_BOUNDS:
		return "immediate data out of bounds";
	case SRP_ERR_TABLE_LEN:
		return "indirect table length";
	case SRP_ERR_DESC_SUM:
		return "descriptor lengths do not match the total";
	}
	return "unknown";
}

const char *srp_opcode_name(uint8_t opcode)
{
	switch (opcode) {
	case SRP_LOGIN_REQ:
		return "SRP_LOGIN_REQ";
	case SRP_TSK_MGMT:
		return "SRP_TSK_MGMT";
	case SRP_CMD:
		return "SRP_CMD";
	case SRP_I_LOGOUT:
		return "SRP_I_LOGOUT";
	case SRP_CRED_RSP:
		return "SRP_CRED_RSP";
	case SRP_AER_RSP:
		return "SRP_AER_RSP";
	case SRP_T_LOGOUT:
		return "SRP_T_LOGOUT";
	case SRP_CRED_REQ:
		return "SRP_CRED_REQ";
	case SRP_AER_REQ:
		return "SRP_AER_REQ";
	case SRP_LOGIN_RSP:
		return "SRP_LOGIN_RSP";
	case SRP_RSP:
		return "SRP_RSP";
	case SRP_LOGIN_REJ:
		return "SRP_LOGIN_REJ";
	default:
		return "unknown";
	}
}

const char *srp_rej_reason_name(uint32_t reason)
{
	switch (reason) {
	case SRP_REJ_NO_DETAIL:
		return "unable to establish the channel";
	case SRP_REJ_INSUFFICIENT_RESOURCES:
		return "insufficient channel resources";
	case SRP_REJ_IT_IU_TOO_LARGE:
		return "requested initiator-to-target IU length too large";
	case SRP_REJ_NO_NEXUS:
		return "unable to associate the channel with an I_T nexus";
	case SRP_REJ_BUF_FORMAT:
		return "unsupported data buffer descriptor format";
	case SRP_REJ_NO_MULTI_CHANNEL:
		return "no multiple channels per I_T nexus";
	case SRP_REJ_CHANNEL_LIMIT:
		return "channel limit reached";
	default:
		return "unknown reason";
	}
}

const char *srp_t_logout_reason_name(uint32_t reason)
{
	switch (reason) {
	case SRP_TLO_NONE:
		return "no reason";
	case SRP_TLO_INACTIVE:
		return "inactive channel";
	case SRP_TLO_INVALID_IU_TYPE:
		return "invalid IU type";
	case SRP_TLO_NO_OUTSTANDING_REQUEST:
		return "response without an outstanding request";
	case SRP_TLO_MULTI_CHANNEL_ACTION:
		return "multichannel action of a new login";
	case SRP_TLO_BAD_DATA_OUT_FORMAT:
		return "unsupported data-out descriptor format";
	case SRP_TLO_BAD_DATA_IN_FORMAT:
		return "unsupported data-in descriptor format";
	case SRP_TLO_INVALID_IU_LEN:
		return "invalid IU length";
	default:
		return "unknown reason";
	}
}
