/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The layouts of SRP information units as they stand on the wire: byte arrays only, so a layout may be laid over any
 * address. For the codecs of this folder; everybody else uses srp_iu.h. Layer: proto. Knows base only.
 * Source: SRP r16a clause 6; Linux struct srp_login_req_rdma for the RDMA/CM form of LOGIN_REQ.
 */
#ifndef PROTO_SRP_WIRE_H
#define PROTO_SRP_WIRE_H

#include "../base/be.h"
#include "srp.h"

#include <stddef.h>
#include <string.h>

struct srp_login_req_wire {
	uint8_t opcode;
	uint8_t rsv1[7];
	uint8_t tag[8];
	struct be32 req_it_iu_len;
	uint8_t rsv20[4];
	struct be16 buf_fmt;
	uint8_t req_flags;
	uint8_t rsv27;
	struct be16 imm_data_offset;
	uint8_t rsv30[2];
	uint8_t i_port_id[SRP_PORT_ID_LEN], t_port_id[SRP_PORT_ID_LEN];
};

struct srp_login_req_rdma_wire {
	uint8_t tag[8];
	struct be16 buf_fmt;
	uint8_t req_flags;
	uint8_t opcode;
	struct be32 req_it_iu_len;
	uint8_t i_port_id[SRP_PORT_ID_LEN], t_port_id[SRP_PORT_ID_LEN];
	struct be16 imm_data_offset;
	uint8_t rsv50[6];
};

struct srp_login_rsp_wire {
	uint8_t opcode;
	uint8_t rsv1[3];
	struct be32 req_lim_delta;
	uint8_t tag[8];
	struct be32 max_it_iu_len, max_ti_iu_len;
	struct be16 buf_fmt;
	uint8_t rsp_flags;
	uint8_t rsv27[25];
};

struct srp_login_rej_wire {
	uint8_t opcode;
	uint8_t rsv1[3];
	struct be32 reason;
	uint8_t tag[8];
	uint8_t rsv16[8];
	struct be16 buf_fmt;
	uint8_t rsv26[6];
};

/* I_LOGOUT, CRED_RSP, AER_RSP leave byte 1 and @value reserved; T_LOGOUT has its reason there, CRED_REQ its delta. */
struct srp_short_wire {
	uint8_t opcode;
	uint8_t sol_not;
	uint8_t rsv2[2];
	struct be32 value;
	uint8_t tag[8];
};

struct srp_aer_req_wire {
	uint8_t opcode;
	uint8_t sol_not;
	uint8_t rsv2[2];
	struct be32 req_lim_delta;
	uint8_t tag[8];
	uint8_t rsv16[4];
	uint8_t lun[8];
	struct be32 sense_len;
	uint8_t rsv32[4];
};

struct srp_tsk_mgmt_wire {
	uint8_t opcode;
	uint8_t sol_not;
	uint8_t rsv2[6];
	uint8_t tag[8];
	uint8_t rsv16[4];
	uint8_t lun[8];
	uint8_t rsv28[2];
	uint8_t function;
	uint8_t rsv31;
	uint8_t task_tag[8];
	uint8_t rsv40[8];
};

struct srp_cmd_wire {
	uint8_t opcode;
	uint8_t sol_not;
	uint8_t rsv2[3];
	uint8_t buf_fmt; /* high nibble: data-out, low nibble: data-in */
	uint8_t data_out_count, data_in_count;
	uint8_t tag[8];
	uint8_t rsv16[4];
	uint8_t lun[8];
	uint8_t rsv28;
	uint8_t task_attr;
	uint8_t rsv30;
	uint8_t add_cdb_len; /* bits 7:2: 4-byte words */
	uint8_t cdb[16];
};

struct srp_mdesc_wire {
	struct be64 va;
	struct be32 rkey;
	struct be32 len_bytes;
};

struct srp_indirect_wire {
	struct srp_mdesc_wire table;
	struct be32 len_bytes;
};

struct srp_rsp_wire {
	uint8_t opcode;
	uint8_t sol_not;
	uint8_t rsv2[2];
	struct be32 req_lim_delta;
	uint8_t tag[8];
	uint8_t rsv16[2];
	uint8_t flags;
	uint8_t status;
	struct be32 data_out_resid, data_in_resid;
	struct be32 sense_len, rsp_data_len;
};

_Static_assert(sizeof(struct srp_login_req_wire) == SRP_LOGIN_REQ_LEN, "LOGIN_REQ");
_Static_assert(offsetof(struct srp_login_req_wire, imm_data_offset) == 28, "LOGIN_REQ");
_Static_assert(sizeof(struct srp_login_req_rdma_wire) == SRP_LOGIN_REQ_RDMA_LEN, "LOGIN_REQ, RDMA/CM form");
_Static_assert(offsetof(struct srp_login_req_rdma_wire, imm_data_offset) == SRP_LOGIN_REQ_RDMA_OLD_LEN, "its old form");
_Static_assert(sizeof(struct srp_login_rsp_wire) == SRP_LOGIN_RSP_LEN, "LOGIN_RSP");
_Static_assert(sizeof(struct srp_login_rej_wire) == SRP_LOGIN_REJ_LEN, "LOGIN_REJ");
_Static_assert(sizeof(struct srp_short_wire) == SRP_T_LOGOUT_LEN, "T_LOGOUT and its likes");
_Static_assert(sizeof(struct srp_aer_req_wire) == SRP_AER_REQ_LEN, "AER_REQ");
_Static_assert(sizeof(struct srp_tsk_mgmt_wire) == SRP_TSK_MGMT_LEN, "TSK_MGMT");
_Static_assert(offsetof(struct srp_tsk_mgmt_wire, function) == 30, "TSK_MGMT");
_Static_assert(sizeof(struct srp_cmd_wire) == SRP_CMD_LEN, "CMD");
_Static_assert(offsetof(struct srp_cmd_wire, lun) == 20 && offsetof(struct srp_cmd_wire, add_cdb_len) == 31, "CMD");
_Static_assert(sizeof(struct srp_mdesc_wire) == SRP_MDESC_LEN, "memory descriptor");
_Static_assert(sizeof(struct srp_indirect_wire) == SRP_INDIRECT_HDR_LEN, "indirect descriptor");
_Static_assert(sizeof(struct srp_rsp_wire) == SRP_RSP_LEN, "RSP");

/* Tags are opaque: the same eight bytes in memory as on the wire. */
static inline uint64_t srp_tag_get(const uint8_t wire[8])
{
	uint64_t tag;

	memcpy(&tag, wire, sizeof(tag));
	return tag;
}

static inline void srp_tag_put(uint8_t wire[8], uint64_t tag)
{
	memcpy(wire, &tag, sizeof(tag));
}

#endif
