// SPDX-License-Identifier: BSD-3-Clause
/*
 * All information units but LOGIN and CMD: each decoder sees every input; what decodes must encode and decode to the
 * same.
 */
#include "fuzz.h"

#include "../unit/proto/iu_equal.h"

static uint8_t iu[1 << 17];

static void tsk_mgmt(const uint8_t *data, size_t size)
{
	struct srp_tsk_mgmt a, b;

	if (srp_tsk_mgmt_decode(data, size, &a) != SRP_OK)
		return;
	FUZZ_CHECK(srp_tsk_mgmt_encode(&a, iu, sizeof(iu)) == SRP_TSK_MGMT_LEN);
	FUZZ_CHECK(srp_tsk_mgmt_decode(iu, SRP_TSK_MGMT_LEN, &b) == SRP_OK);
	FUZZ_CHECK(tsk_mgmt_equal(&a, &b));
}

static void rsp(const uint8_t *data, size_t size)
{
	struct srp_rsp a, b;
	size_t len;

	if (srp_rsp_decode(data, size, &a) != SRP_OK)
		return;
	FUZZ_CHECK(a.sense_len <= size);
	fuzz_touch(a.sense, a.sense_len);
	len = srp_rsp_encode(&a, iu, sizeof(iu));
	FUZZ_CHECK(len >= SRP_RSP_LEN && len <= size);
	FUZZ_CHECK(srp_rsp_decode(iu, len, &b) == SRP_OK);
	FUZZ_CHECK(rsp_equal(&a, &b));

	/* Half the room: sense data is cut, the rest stays. */
	len = srp_rsp_encode(&a, iu, size / 2);
	if (!len)
		return;
	FUZZ_CHECK(len <= size / 2 && srp_rsp_decode(iu, len, &b) == SRP_OK);
	FUZZ_CHECK(b.sense_len <= a.sense_len);
	a.sense_len = b.sense_len;
	FUZZ_CHECK(rsp_equal(&a, &b));
}

static void simple(const uint8_t *data, size_t size, uint8_t opcode)
{
	uint64_t a, b;

	if (srp_simple_decode(data, size, opcode, &a) != SRP_OK)
		return;
	FUZZ_CHECK(srp_simple_encode(opcode, a, iu, sizeof(iu)) == SRP_I_LOGOUT_LEN);
	FUZZ_CHECK(srp_simple_decode(iu, SRP_I_LOGOUT_LEN, opcode, &b) == SRP_OK && a == b);
}

static void t_logout(const uint8_t *data, size_t size)
{
	struct srp_t_logout a, b;

	if (srp_t_logout_decode(data, size, &a) != SRP_OK)
		return;
	FUZZ_CHECK(srp_t_logout_reason_name(a.reason));
	FUZZ_CHECK(srp_t_logout_encode(&a, iu, sizeof(iu)) == SRP_T_LOGOUT_LEN);
	FUZZ_CHECK(srp_t_logout_decode(iu, SRP_T_LOGOUT_LEN, &b) == SRP_OK);
	FUZZ_CHECK(t_logout_equal(&a, &b));
}

static void cred_req(const uint8_t *data, size_t size)
{
	struct srp_cred_req a, b;

	if (srp_cred_req_decode(data, size, &a) != SRP_OK)
		return;
	FUZZ_CHECK(srp_cred_req_encode(&a, iu, sizeof(iu)) == SRP_CRED_REQ_LEN);
	FUZZ_CHECK(srp_cred_req_decode(iu, SRP_CRED_REQ_LEN, &b) == SRP_OK);
	FUZZ_CHECK(cred_req_equal(&a, &b));
}

static void aer_req(const uint8_t *data, size_t size)
{
	struct srp_aer_req a, b;
	size_t len;

	if (srp_aer_req_decode(data, size, &a) != SRP_OK)
		return;
	fuzz_touch(a.sense, a.sense_len);
	len = srp_aer_req_encode(&a, iu, sizeof(iu));
	FUZZ_CHECK(len == SRP_AER_REQ_LEN + (size_t)a.sense_len && len <= size);
	FUZZ_CHECK(srp_aer_req_encode(&a, iu, len - 1) == 0);
	FUZZ_CHECK(srp_aer_req_decode(iu, len, &b) == SRP_OK);
	FUZZ_CHECK(aer_req_equal(&a, &b));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > sizeof(iu))
		return 0;
	tsk_mgmt(data, size);
	rsp(data, size);
	simple(data, size, SRP_I_LOGOUT);
	simple(data, size, SRP_CRED_RSP);
	simple(data, size, SRP_AER_RSP);
	t_logout(data, size);
	cred_req(data, size);
	aer_req(data, size);
	if (size)
		FUZZ_CHECK(srp_opcode_name(data[0]));
	return 0;
}
