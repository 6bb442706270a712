// SPDX-License-Identifier: BSD-3-Clause
/*
 * Private data of a connection request, in both LOGIN_REQ forms, and of its answers. What decodes must encode into
 * exactly its length and decode to the same.
 */
#include "fuzz.h"

#include "../unit/proto/iu_equal.h"

static void login_req(const uint8_t *data, size_t size, enum srp_login_form form)
{
	size_t want_len = form == SRP_LOGIN_FORM_NATIVE ? SRP_LOGIN_REQ_LEN : SRP_LOGIN_REQ_RDMA_LEN;
	struct srp_login_req a, b;
	uint8_t iu[SRP_LOGIN_REQ_LEN];

	if (srp_login_req_decode(data, size, form, &a) != SRP_OK)
		return;
	FUZZ_CHECK(a.req_it_iu_len >= SRP_IU_MIN);
	FUZZ_CHECK(a.buf_fmt & (SRP_BUF_DIRECT | SRP_BUF_INDIRECT));
	FUZZ_CHECK(srp_login_req_encode(&a, form, iu, want_len - 1) == 0);
	FUZZ_CHECK(srp_login_req_encode(&a, form, iu, want_len) == want_len);
	FUZZ_CHECK(srp_login_req_decode(iu, want_len, form, &b) == SRP_OK);
	FUZZ_CHECK(login_req_equal(&a, &b));
}

static void login_rsp(const uint8_t *data, size_t size)
{
	struct srp_login_rsp a, b;
	uint8_t iu[SRP_LOGIN_RSP_LEN];

	if (srp_login_rsp_decode(data, size, &a) != SRP_OK)
		return;
	FUZZ_CHECK(srp_login_rsp_encode(&a, iu, sizeof(iu)) == sizeof(iu));
	FUZZ_CHECK(srp_login_rsp_decode(iu, sizeof(iu), &b) == SRP_OK);
	FUZZ_CHECK(login_rsp_equal(&a, &b));
}

static void login_rej(const uint8_t *data, size_t size)
{
	struct srp_login_rej a, b;
	uint8_t iu[SRP_LOGIN_REJ_LEN];

	if (srp_login_rej_decode(data, size, &a) != SRP_OK)
		return;
	FUZZ_CHECK(srp_rej_reason_name(a.reason));
	FUZZ_CHECK(srp_login_rej_encode(&a, iu, sizeof(iu)) == sizeof(iu));
	FUZZ_CHECK(srp_login_rej_decode(iu, sizeof(iu), &b) == SRP_OK);
	FUZZ_CHECK(login_rej_equal(&a, &b));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	login_req(data, size, SRP_LOGIN_FORM_NATIVE);
	login_req(data, size, SRP_LOGIN_FORM_RDMA_CM);
	login_rsp(data, size);
	login_rej(data, size);
	return 0;
}
