/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One table from what happened to what the host is told. Every refusal, every failure and every close that the
 * gateway decides goes through it; docs/errors.md is made from it.
 * Layer: core. Knows proto.
 */
#ifndef CORE_OUTCOME_H
#define CORE_OUTCOME_H

#include "../proto/scsi.h"
#include "../proto/srp.h"

enum outcome_kind {
	OUTCOME_REJECT,  /* LOGIN_REJ with a reason */
	OUTCOME_LOGOUT,  /* T_LOGOUT with a reason, then disconnect */
	OUTCOME_CLOSE,   /* disconnect without a T_LOGOUT: it could not be sent, or the peer asked for it */
	OUTCOME_CODE,    /* SRP_RSP with a response code */
	OUTCOME_STATUS,  /* SRP_RSP with a SCSI status and no sense data */
	OUTCOME_SENSE,   /* SRP_RSP with CHECK CONDITION and sense data */
};

/* X(name, kind, value or sense key, ASC, ASCQ, what happened, source) */
#define OUTCOMES(X) \
	X(LOGIN_MALFORMED, REJECT, SRP_REJ_NO_DETAIL, 0, 0, \
	  "the LOGIN_REQ is short or has another opcode", "SRP r16a LOGIN_REQ") \
	X(LOGIN_IU_SMALL, REJECT, SRP_REJ_NO_DETAIL, 0, 0, \
	  "it asks for information units of less than 64 bytes", "SRP r16a LOGIN_REQ") \
	X(LOGIN_MULTI_ACTION, REJECT, SRP_REJ_NO_DETAIL, 0, 0, \
	  "its multichannel action is reserved", "SRP r16a LOGIN_REQ") \
	X(LOGIN_IU_LARGE, REJECT, SRP_REJ_IT_IU_TOO_LARGE, 0, 0, \
	  "it asks for longer information units than we take", "SRP r16a LOGIN_REJ") \
	X(LOGIN_BUF_FORMAT, REJECT, SRP_REJ_BUF_FORMAT, 0, 0, \
	  "it offers neither direct nor indirect descriptors", "SRP r16a LOGIN_REJ") \
	X(LOGIN_NO_TARGET, REJECT, SRP_REJ_NO_NEXUS, 0, 0, \
	  "there is no target of that identifier", "SRP r16a LOGIN_REJ") \
	X(LOGIN_NOT_ALLOWED, REJECT, SRP_REJ_NO_NEXUS, 0, 0, \
	  "no group of the target admits this initiator", "SRP r16a LOGIN_REJ") \
	X(LOGIN_OTHER_ADDRESS, REJECT, SRP_REJ_NO_NEXUS, 0, 0, \
	  "its I_T nexus is in use from another address", "SRP r16a LOGIN_REJ") \
	X(LOGIN_NO_MULTI, REJECT, SRP_REJ_NO_MULTI_CHANNEL, 0, 0, \
	  "only one channel per I_T nexus is configured", "SRP r16a LOGIN_REJ") \
	X(LOGIN_NEXUS_CHANNELS, REJECT, SRP_REJ_CHANNEL_LIMIT, 0, 0, \
	  "the I_T nexus has all the channels that it may have", "SRP r16a LOGIN_REJ") \
	X(LOGIN_CHANNELS, REJECT, SRP_REJ_CHANNEL_LIMIT, 0, 0, \
	  "the gateway has all the channels that it may have", "SRP r16a LOGIN_REJ") \
	X(LOGIN_NEXUSES, REJECT, SRP_REJ_INSUFFICIENT_RESOURCES, 0, 0, \
	  "the gateway has all the I_T nexuses that it may have", "SRP r16a LOGIN_REJ") \
	X(LOGIN_RESOURCES, REJECT, SRP_REJ_INSUFFICIENT_RESOURCES, 0, 0, \
	  "memory or RDMA resources ran out", "SRP r16a LOGIN_REJ") \
	X(LOGIN_PENDING, REJECT, SRP_REJ_INSUFFICIENT_RESOURCES, 0, 0, \
	  "too many logins of its I_T nexus wait for each other", "SRP r16a LOGIN_REJ") \
	X(LOGIN_GIVEN_UP, REJECT, SRP_REJ_NO_DETAIL, 0, 0, \
	  "the peer gave up before the login was answered", "SRP r16a LOGIN_REJ") \
	X(LOGIN_DRAINING, REJECT, SRP_REJ_INSUFFICIENT_RESOURCES, 0, 0, \
	  "the gateway is stopping", "SRP r16a LOGIN_REJ") \
	X(LOGIN_BACKEND_AWAY, REJECT, SRP_REJ_INSUFFICIENT_RESOURCES, 0, 0, \
	  "a back-end with after_hold \"disconnect\" is away", "SRP r16a LOGIN_REJ") \
	X(IU_SHORT, LOGOUT, SRP_TLO_INVALID_IU_LEN, 0, 0, \
	  "fewer bytes than the information unit needs", "SRP r16a T_LOGOUT") \
	X(DESC_BOUNDS, LOGOUT, SRP_TLO_INVALID_IU_LEN, 0, 0, \
	  "descriptors reach beyond the information unit", "SRP r16a T_LOGOUT") \
	X(IMM_BOUNDS, LOGOUT, SRP_TLO_INVALID_IU_LEN, 0, 0, \
	  "immediate data reaches beyond the information unit", "SRP-2 immediate data") \
	X(DATA_OUT_FORMAT, LOGOUT, SRP_TLO_BAD_DATA_OUT_FORMAT, 0, 0, \
	  "reserved or not negotiated data-out descriptor format", "SRP r16a T_LOGOUT") \
	X(DATA_IN_FORMAT, LOGOUT, SRP_TLO_BAD_DATA_IN_FORMAT, 0, 0, \
	  "reserved or not negotiated data-in descriptor format", "SRP r16a T_LOGOUT") \
	X(IU_TYPE, LOGOUT, SRP_TLO_INVALID_IU_TYPE, 0, 0, \
	  "an information unit that an initiator may not send here", "SRP r16a T_LOGOUT") \
	X(RSP_UNASKED, LOGOUT, SRP_TLO_NO_OUTSTANDING_REQUEST, 0, 0, \
	  "a response to no request of ours", "SRP r16a T_LOGOUT") \
	X(OVER_CREDIT, LOGOUT, SRP_TLO_NONE, 0, 0, \
	  "more requests than the request limit allows", "SRP r16a request limit") \
	X(REPLACED, LOGOUT, SRP_TLO_MULTI_CHANNEL_ACTION, 0, 0, \
	  "a new login of the same I_T nexus asked for a single channel", "SRP r16a T_LOGOUT") \
	X(KICKED, LOGOUT, SRP_TLO_NONE, 0, 0, "an operator ended the session", "SRP r16a T_LOGOUT") \
	X(UNMAPPED, LOGOUT, SRP_TLO_NONE, 0, 0, \
	  "the configuration no longer admits this initiator", "SRP r16a T_LOGOUT") \
	X(DRAINED, LOGOUT, SRP_TLO_NONE, 0, 0, "the gateway is stopping", "SRP r16a T_LOGOUT") \
	X(BACKEND_AWAY, LOGOUT, SRP_TLO_NONE, 0, 0, \
	  "a back-end with after_hold \"disconnect\" was away for the hold time", "SRP r16a T_LOGOUT") \
	X(TMF_RESOURCES, LOGOUT, SRP_TLO_NONE, 0, 0, \
	  "no room for another task management function", "SRP r16a T_LOGOUT") \
	X(INTERNAL, LOGOUT, SRP_TLO_NONE, 0, 0, "the gateway broke a rule of its own", "SRP r16a T_LOGOUT") \
	X(I_LOGOUT, CLOSE, 0, 0, 0, "the initiator logged out", "SRP r16a I_LOGOUT") \
	X(PEER_GONE, CLOSE, 0, 0, 0, "the RDMA channel went down", "SRP r16a RDMA channel") \
	X(POST_FAILED, CLOSE, 0, 0, 0, "the RDMA channel refused a work request", "SRP r16a RDMA channel") \
	X(RDMA_STUCK, CLOSE, 0, 0, 0, "RDMA of an aborted task did not end in time", "SRP r16a TSK_MGMT") \
	X(ADD_CDB_RESERVED, CODE, SRP_RSP_CODE_INVALID_FIELDS, 0, 0, \
	  "reserved bits of the additional CDB length are set", "SRP r16a RSP") \
	X(TABLE_LEN, CODE, SRP_RSP_CODE_INVALID_FIELDS, 0, 0, \
	  "the length of an indirect table is wrong", "SRP r16a RSP") \
	X(DESC_SUM, CODE, SRP_RSP_CODE_INVALID_FIELDS, 0, 0, \
	  "descriptors do not cover the data length", "SRP r16a RSP") \
	X(TMF_OK, CODE, SRP_RSP_CODE_OK, 0, 0, "task management function complete", "SRP r16a RSP") \
	X(TMF_DUPLICATE_TAG, CODE, SRP_RSP_CODE_INVALID_FIELDS, 0, 0, \
	  "a TSK_MGMT has the tag of a live task", "SRP r16a RSP") \
	X(TMF_NOT_SUPPORTED, CODE, SRP_RSP_CODE_TMF_NOT_SUPPORTED, 0, 0, \
	  "unknown task management function", "SRP r16a RSP") \
	X(TMF_NO_LUN, CODE, SRP_RSP_CODE_TMF_FAILED, 0, 0, \
	  "task management for a LUN that is not mapped", "SAM-5 7.1") \
	X(TASK_SET_FULL, STATUS, SCSI_TASK_SET_FULL, 0, 0, "no task or memory free for the command", "SAM-5 5.3.1") \
	X(BACKEND_BUSY, STATUS, SCSI_BUSY, 0, 0, "the back-end had no room for commands for the hold time", "SAM-5 5.3.1") \
	X(PATH_HELD, STATUS, SCSI_BUSY, 0, 0, "the back-end was not reachable for the hold time", "SAM-5 5.3.1") \
	X(LU_UNAVAILABLE, SENSE, SCSI_NOT_READY, 0x04, 0x0c, \
	  "the back-end has been away for the hold time, and its policy or the command wants no BUSY", "SPC-4 4.5.6") \
	X(LU_BECOMING_READY, SENSE, SCSI_NOT_READY, 0x04, 0x01, \
	  "the same for a flush, after three seconds: the host repeats it", "SPC-4 4.5.6") \
	X(FATE_UNKNOWN, STATUS, SCSI_BUSY, 0, 0, \
	  "the back-end session was lost while it had the command", "SAM-5 5.3.1") \
	X(FATE_UNKNOWN_ONCE, SENSE, SCSI_ABORTED_COMMAND, 0x08, 0x00, \
	  "the same, and carrying the command out twice may do harm", "SPC-4 4.5.6") \
	X(BIDIRECTIONAL, SENSE, SCSI_ILLEGAL_REQUEST, 0x24, 0x00, \
	  "bidirectional commands are not supported", "SPC-4 4.5.6") \
	X(CDB_LONG, SENSE, SCSI_ILLEGAL_REQUEST, 0x20, 0x00, "CDBs over 16 bytes are not supported", "SPC-4 4.5.6") \
	X(TOO_LARGE, SENSE, SCSI_ILLEGAL_REQUEST, 0x24, 0x00, \
	  "the command moves more than a command may", "SPC-4 4.5.6") \
	X(INVALID_FIELD, SENSE, SCSI_ILLEGAL_REQUEST, 0x24, 0x00, \
	  "a field of the CDB is not supported", "SPC-4 4.5.6") \
	X(PARAMETER, SENSE, SCSI_ILLEGAL_REQUEST, 0x26, 0x00, \
	  "a TransportID names nobody that the back-end could know", "SPC-4 6.14") \
	X(PARAMETER_LENGTH, SENSE, SCSI_ILLEGAL_REQUEST, 0x1a, 0x00, \
	  "lengths in a list of TransportIDs contradict each other", "SPC-4 6.14") \
	X(NACA, SENSE, SCSI_ILLEGAL_REQUEST, 0x24, 0x00, \
	  "the NACA bit of the CONTROL byte is set, and NormACA is 0", "SAM-5 5.2") \
	X(TASK_ATTRIBUTE, SENSE, SCSI_ILLEGAL_REQUEST, 0x49, 0x00, \
	  "the task attribute is ACA where no ACA is in effect, or reserved", "SAM-5 8.6.5") \
	X(NO_LUN, SENSE, SCSI_ILLEGAL_REQUEST, 0x25, 0x00, "the LUN is not mapped", "SAM-5 5.11") \
	X(OVERLAPPED, SENSE, SCSI_ABORTED_COMMAND, 0x4e, 0x00, \
	  "a live task of the I_T nexus has the tag", "SAM-5 5.10") \
	X(UA_LUNS_CHANGED, SENSE, SCSI_UNIT_ATTENTION, 0x3f, 0x0e, "the LUN map changed", "SPC-4 4.5.6") \
	X(UA_INQUIRY_CHANGED, SENSE, SCSI_UNIT_ATTENTION, 0x3f, 0x03, \
	  "the back-end is back, and the host was refused the capacity meanwhile", "SPC-4 4.5.6") \
	X(UA_NEXUS_LOSS, SENSE, SCSI_UNIT_ATTENTION, 0x29, 0x07, \
	  "the I_T nexus or its back-end session was lost, and the back-end does not say so", "SAM-5 6.3.4") \
	X(UA_REGISTRATIONS, SENSE, SCSI_UNIT_ATTENTION, 0x2a, 0x05, \
	  "the registration for persistent reservations did not outlive a lost back-end session", "SPC-4 5.13")

enum outcome {
	OUTCOME_OK, /* nothing to refuse */
#define OUTCOME_ENUM_(name, ...) OUTCOME_##name,
	OUTCOMES(OUTCOME_ENUM_)
#undef OUTCOME_ENUM_
	OUTCOME_COUNT
};

struct outcome_row {
	const char *name;
	enum outcome_kind kind;
	uint32_t value; /* reason, response code or status; sense: CHECK CONDITION */
	struct scsi_sense sense;
	const char *text, *source;
};

/* @o: 1 .. OUTCOME_COUNT - 1. Never NULL. */
const struct outcome_row *outcome_row(enum outcome o);

/* The column "answer" of docs/errors.md for @o. Return: @buf. */
const char *outcome_answer(enum outcome o, char *buf, size_t cap);

#endif
