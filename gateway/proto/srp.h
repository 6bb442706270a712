/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * SRP constants: opcodes, flags, reasons, formats (INCITS 365-2002, with SRP-2's immediate data).
 * Layer: proto. Knows base only.
 */
#ifndef PROTO_SRP_H
#define PROTO_SRP_H

#include <stdint.h>

enum srp_opcode {
	SRP_LOGIN_REQ = 0x00,
	SRP_TSK_MGMT = 0x01,
	SRP_CMD = 0x02,
	SRP_I_LOGOUT = 0x03,
	SRP_CRED_RSP = 0x41,
	SRP_AER_RSP = 0x42,
	SRP_T_LOGOUT = 0x80,
	SRP_CRED_REQ = 0x81,
	SRP_AER_REQ = 0x82,
	SRP_LOGIN_RSP = 0xc0,
	SRP_RSP = 0xc1,
	SRP_LOGIN_REJ = 0xc2,
};

/* Fixed lengths in bytes. */
enum {
	SRP_LOGIN_REQ_LEN = 64,
	SRP_LOGIN_REQ_RDMA_LEN = 56,     /* Linux RDMA/CM form */
	SRP_LOGIN_REQ_RDMA_OLD_LEN = 48, /* the same without immediate-data members */
	SRP_LOGIN_RSP_LEN = 52,
	SRP_LOGIN_REJ_LEN = 32,
	SRP_I_LOGOUT_LEN = 16,
	SRP_T_LOGOUT_LEN = 16,
	SRP_CRED_REQ_LEN = 16,
	SRP_CRED_RSP_LEN = 16,
	SRP_AER_REQ_LEN = 36, /* and sense data */
	SRP_AER_RSP_LEN = 16,
	SRP_TSK_MGMT_LEN = 48,
	SRP_CMD_LEN = 48, /* and additional CDB, descriptors, immediate data */
	SRP_RSP_LEN = 36, /* and response data, sense data */
	SRP_RSP_DATA_LEN = 4,
	SRP_MDESC_LEN = 16,
	SRP_INDIRECT_HDR_LEN = 20,
	SRP_IMM_HDR_LEN = 4,
	SRP_IU_MIN = 64, /* smallest IU length limit that may be negotiated */
	SRP_PORT_ID_LEN = 16,
	SRP_CDB_MAX = 16 + 0xfc, /* with all the additional bytes that byte 31 of a CMD can announce */
};

/* Buffer formats offered and supported (LOGIN_REQ, LOGIN_RSP, LOGIN_REJ). */
enum { SRP_BUF_DIRECT = 0x0002, SRP_BUF_INDIRECT = 0x0004 };

/* LOGIN_REQ flags. */
enum {
	SRP_MULTI_SINGLE = 0x00,
	SRP_MULTI_MULTI = 0x01,
	SRP_MULTI_MASK = 0x03,
	SRP_LOGIN_LOSOLNT = 0x10,
	SRP_LOGIN_CRSOLNT = 0x20,
	SRP_LOGIN_AESOLNT = 0x40,
	SRP_LOGIN_IMMED_REQ = 0x80,
};

/* LOGIN_RSP flags. */
enum {
	SRP_RSP_MULTI_NONE = 0x00,
	SRP_RSP_MULTI_TERMINATED = 0x01,
	SRP_RSP_MULTI_MAINTAINED = 0x02,
	SRP_RSP_SOLNT_SUPP = 0x10,
	SRP_RSP_IMMED_SUPP = 0x80,
};

enum srp_rej_reason {
	SRP_REJ_NO_DETAIL = 0x00010000,
	SRP_REJ_INSUFFICIENT_RESOURCES = 0x00010001,
	SRP_REJ_IT_IU_TOO_LARGE = 0x00010002,
	SRP_REJ_NO_NEXUS = 0x00010003,
	SRP_REJ_BUF_FORMAT = 0x00010004,
	SRP_REJ_NO_MULTI_CHANNEL = 0x00010005,
	SRP_REJ_CHANNEL_LIMIT = 0x00010006,
};

enum srp_t_logout_reason {
	SRP_TLO_NONE = 0,
	SRP_TLO_INACTIVE = 1,
	SRP_TLO_INVALID_IU_TYPE = 2,
	SRP_TLO_NO_OUTSTANDING_REQUEST = 3,
	SRP_TLO_MULTI_CHANNEL_ACTION = 4,
	SRP_TLO_BAD_DATA_OUT_FORMAT = 6,
	SRP_TLO_BAD_DATA_IN_FORMAT = 7,
	SRP_TLO_INVALID_IU_LEN = 8,
};

/* sol_not of TSK_MGMT and CMD; SOLNT in what the target sends. */
enum { SRP_SCSOLNT = 0x02, SRP_UCSOLNT = 0x04, SRP_SOLNT = 0x01 };

/* Data buffer descriptor formats. */
enum srp_fmt { SRP_FMT_NONE = 0, SRP_FMT_DIRECT = 1, SRP_FMT_INDIRECT = 2, SRP_FMT_IMMEDIATE = 3 };

enum srp_tmf {
	SRP_TMF_ABORT_TASK = 0x01,
	SRP_TMF_ABORT_TASK_SET = 0x02,
	SRP_TMF_CLEAR_TASK_SET = 0x04,
	SRP_TMF_LUN_RESET = 0x08,
	SRP_TMF_CLEAR_ACA = 0x40,
};

/* RSP flags. */
enum {
	SRP_RSP_RSPVALID = 0x01,
	SRP_RSP_SNSVALID = 0x02,
	SRP_RSP_DOOVER = 0x04,
	SRP_RSP_DOUNDER = 0x08,
	SRP_RSP_DIOVER = 0x10,
	SRP_RSP_DIUNDER = 0x20,
};

enum srp_rsp_code {
	SRP_RSP_CODE_OK = 0,
	SRP_RSP_CODE_INVALID_FIELDS = 2,
	SRP_RSP_CODE_TMF_NOT_SUPPORTED = 4,
	SRP_RSP_CODE_TMF_FAILED = 5,
};

#endif
