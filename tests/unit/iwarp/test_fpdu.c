/* SPDX-License-Identifier: BSD-3-Clause */
/* FPDUs: sizes, the golden bytes of RFC 5044's example, markers read back by a reader of its own. */
#include "../../../gateway/fabric/iwarp/crc32c.h"
#include "../../../gateway/fabric/iwarp/ddp.h"
#include "../../../gateway/fabric/iwarp/fpdu.h"
#include "../../../gateway/fabric/iwarp/rdmap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void test_mulpdu(void **state)
{
	(void)state;
	/* RFC 5044 4.5 */
	assert_int_equal(fpdu_mulpdu(1448, false), 1442);
	assert_int_equal(fpdu_mulpdu(1460, false), 1454);
	assert_int_equal(fpdu_mulpdu(1461, false), 1454);
	assert_int_equal(fpdu_mulpdu(1463, false), 1454);
	assert_int_equal(fpdu_mulpdu(1448, true), 1442 - 12);
	assert_int_equal(fpdu_mulpdu(512, true), 506 - 4);
	assert_int_equal(fpdu_mulpdu(513, true), 506 - 8);
	assert_int_equal(fpdu_mulpdu(65483, false), 64766);
	assert_int_equal(fpdu_mulpdu(100, false), 128);
	assert_int_equal(fpdu_mulpdu(0, true), 128);
	for (uint32_t emss = 140; emss < 64000; emss++) {
		uint32_t m = fpdu_mulpdu(emss, false);

		assert_true(fpdu_len(m) <= emss && fpdu_len(m) % 4 == 0);
	}
	assert_int_equal(fpdu_pad(42), 0);
	assert_int_equal(fpdu_pad(43), 3);
	assert_int_equal(fpdu_pad(44), 2);
	assert_int_equal(fpdu_pad(45), 1);
	assert_int_equal(fpdu_len(46), 52);
}

/* The bytes of the trailer, one by one, against where segments end. */
static void test_trailer_is_cut(void **state)
{
	(void)state;
	for (uint32_t emss = 100; emss < 104; emss++) {
		for (uint32_t ulpdu = 14; ulpdu < 400; ulpdu++) {
			for (size_t at = 0; at < 300; at += 4) {
				size_t end = at + fpdu_len(ulpdu), first = end - 4 - fpdu_pad(ulpdu);
				bool cut = false;

				for (size_t i = first; i + 1 < end; i++)
					cut |= i / emss != (i + 1) / emss;
				assert_int_equal(fpdu_trailer_is_cut(at, ulpdu, emss), cut);
			}
		}
	}
}

static struct fpdu_batch *new_batch(bool crc, bool markers)
{
	struct fpdu_batch *b = malloc(sizeof(*b));

	assert_non_null(b);
	fpdu_batch_init(b, crc, markers);
	return b;
}

/* All bytes of the batch, at the end of @to. */
static size_t flatten(const struct fpdu_batch *b, uint8_t *to)
{
	size_t n = 0;

	for (uint32_t i = 0; i < b->n_iov; i++) {
		memcpy(to + n, b->iov[i].iov_base, b->iov[i].iov_len);
		n += b->iov[i].iov_len;
	}
	assert_int_equal(n, b->len_bytes);
	return n;
}

static void put_send(struct fpdu_batch *b, uint32_t msn, const uint8_t *payload, uint32_t len)
{
	struct ddp_hdr h = { .last = true, .version = 1, .rdmap = 0x43, .msn = msn };
	uint8_t hdr[DDP_UNTAGGED_LEN];

	assert_int_equal(ddp_encode(&h, hdr), DDP_UNTAGGED_LEN);
	fpdu_begin(b, (uint16_t)(DDP_UNTAGGED_LEN + len));
	fpdu_put(b, hdr, sizeof(hdr));
	fpdu_ref(b, payload, len);
	fpdu_end(b);
}

static void test_golden(void **state)
{
	static const uint8_t zeros[24];
	static const uint8_t head[24] = { 0, 0, 0, 0, 0, 0x2a, 0x41, 0x43, 0, 0, 0, 0,
					  0, 0, 0, 0, 0, 0,    0,    1,	   0, 0, 0, 0 };
	uint8_t want[52] = { 0 }, got[64];
	struct fpdu_batch *b = new_batch(true, true);

	(void)state;
	memcpy(want, head, sizeof(head));
	memcpy(want + 48, "\x52\x23\x99\x83", 4);
	put_send(b, 1, zeros, 24);
	assert_int_equal(flatten(b, got), 52);
	assert_memory_equal(got, want, 52);

	/* without markers */
	memcpy(want + 48, "\xb7\x24\x3e\xc3", 4);
	fpdu_batch_init(b, true, false);
	put_send(b, 1, zeros, 24);
	assert_int_equal(flatten(b, got), 48);
	assert_memory_equal(got, want + 4, 48);
	assert_int_equal(b->n_iov, 1); /* a short one is one piece */

	/* without CRC: the field is there, and zero */
	memset(want + 48, 0, 4);
	fpdu_batch_init(b, false, false);
	put_send(b, 1, zeros, 24);
	assert_int_equal(flatten(b, got), 48);
	assert_memory_equal(got, want + 4, 48);
	free(b);
}

/* ---- a reader of marked streams, from RFC 5044 4.3 alone ---- */

struct reader {
	const uint8_t *p;
	size_t at, len;
	size_t fpdu_at; /* where the length field of this FPDU is; SIZE_MAX between two */
	uint32_t crc;
	uint32_t n_markers;
};

static uint8_t read_byte(struct reader *r)
{
	uint8_t v;

	if (r->at % 512 == 0) {
		uint32_t ptr = (uint32_t)(r->p[r->at + 2] << 8 | r->p[r->at + 3]);

		assert_true(r->at + 4 < r->len);
		assert_int_equal(r->p[r->at] << 8 | r->p[r->at + 1], 0);
		assert_int_equal(ptr, r->fpdu_at == SIZE_MAX ? 0 : r->at - r->fpdu_at);
		assert_int_equal(ptr % 4, 0);
		r->crc = crc32c_update_portable(r->crc, r->p + r->at, 4);
		r->at += 4;
		r->n_markers++;
	}
	assert_true(r->at < r->len);
	if (r->fpdu_at == SIZE_MAX)
		r->fpdu_at = r->at;
	v = r->p[r->at++];
	r->crc = crc32c_update_portable(r->crc, &v, 1);
	return v;
}

/* One FPDU. Return: its ULPDU length. */
static uint32_t read_fpdu(struct reader *r, uint8_t *ulpdu)
{
	uint32_t len, crc, got = 0;

	r->crc = CRC32C_INIT;
	r->fpdu_at = SIZE_MAX;
	len = (uint32_t)read_byte(r) << 8;
	len |= read_byte(r);
	for (uint32_t i = 0; i < len; i++)
		ulpdu[i] = read_byte(r);
	for (uint32_t i = 0; i < fpdu_pad(len); i++)
		assert_int_equal(read_byte(r), 0);
	if (r->at % 512 == 0) { /* a marker before the CRC is covered by it */
		assert_int_equal(r->p[r->at + 2] << 8 | r->p[r->at + 3], r->at - r->fpdu_at);
		r->crc = crc32c_update_portable(r->crc, r->p + r->at, 4);
		r->at += 4;
		r->n_markers++;
	}
	crc = crc32c_final(r->crc);
	for (int i = 0; i < 4; i++)
		got |= (uint32_t)r->p[r->at++] << 8 * i;
	assert_int_equal(got, crc);
	return len;
}

static void test_markers(void **state)
{
	uint8_t *stream = malloc(4u << 20), *payload = malloc(65536), ulpdu[65536];
	struct fpdu_batch *b = new_batch(true, true);
	struct reader r = { .p = stream };
	uint32_t n = 0, lens[600];

	(void)state;
	for (uint32_t i = 0; i < 65536; i++)
		payload[i] = (uint8_t)(i * 7 + 1);
	/* All positions of FPDUs to markers: lengths that go through all remainders. The first begins behind one, and is long. */
	for (; n < 600; n++) {
		lens[n] = n % 20 == 19 || n == 0 ? 60000 - n : n * 5 % 1300;
		if (!fpdu_batch_fits(b, DDP_UNTAGGED_LEN + lens[n], 1)) {
			r.len += flatten(b, stream + r.len);
			fpdu_batch_reset(b);
		}
		assert_true(fpdu_batch_fits(b, DDP_UNTAGGED_LEN + lens[n], 1));
		put_send(b, n + 1, payload, lens[n]);
	}
	r.len += flatten(b, stream + r.len);
	assert_int_equal(b->stream, r.len);
	for (uint32_t i = 0; i < n; i++) {
		struct ddp_hdr h;

		assert_int_equal(read_fpdu(&r, ulpdu), DDP_UNTAGGED_LEN + lens[i]);
		ddp_decode(ulpdu, &h);
		assert_int_equal(h.msn, i + 1);
		assert_memory_equal(ulpdu + DDP_UNTAGGED_LEN, payload, lens[i]);
	}
	assert_int_equal(r.at, r.len);
	assert_int_equal(r.n_markers, (r.len + 511) / 512);
	free(stream);
	free(payload);
	free(b);
}

/* Whatever fits, fits: random FPDUs never leave the arrays (the sanitizer watches), and an empty batch takes the
 * largest. */
static void test_room(void **state)
{
	uint8_t *payload = calloc(1, 70000);

	(void)state;
	for (int markers = 0; markers < 2; markers++) {
		struct fpdu_batch *b = new_batch(true, markers);
		uint32_t seed = 3;

		assert_true(fpdu_batch_fits(b, FPDU_MAX_ULPDU, 32));
		for (int i = 0; i < 20000; i++) {
			uint32_t len, n_seg, left;

			seed = seed * 1103515245u + 12345u;
			n_seg = 1 + (seed >> 9) % 32;
			len = (seed >> 16) % (i % 7 ? 3000 : 64700);
			if (!fpdu_batch_fits(b, DDP_TAGGED_LEN + len, n_seg)) {
				assert_true(b->n_iov <= FPDU_BATCH_IOV && b->n_flat <= FPDU_BATCH_FLAT);
				fpdu_batch_reset(b);
			}
			fpdu_begin(b, (uint16_t)(DDP_TAGGED_LEN + len));
			fpdu_put(b, payload, DDP_TAGGED_LEN);
			for (left = len; n_seg; n_seg--) {
				uint32_t part = n_seg == 1 ? left : left / n_seg;

				fpdu_ref(b, payload, part);
				left -= part;
			}
			fpdu_end(b);
			assert_true(b->n_iov <= FPDU_BATCH_IOV && b->n_flat <= FPDU_BATCH_FLAT);
		}
		free(b);
	}
	free(payload);
}

static void test_headers(void **state)
{
	static const uint8_t write[14] = { 0xc1, 0x40, 1, 2, 3, 4, 0x80, 6, 7, 8, 9, 10, 11, 12 };
	static const uint8_t send[18] = { 0x01, 0x46, 1, 2, 3, 4, 0, 0, 0, 0, 5, 6, 7, 8, 9, 10, 11, 12 };
	static const struct {
		uint8_t b0, b1;
		uint32_t qn;
		enum term_cause cause;
	} rows[] = {
		{ 0xc1, 0x40, 0, TERM_NONE },
		{ 0x41, 0x41, 1, TERM_NONE },
		{ 0xc1, 0x42, 0, TERM_NONE },
		{ 0x41, 0x43, 0, TERM_NONE },
		{ 0x41, 0x44, 0, TERM_NONE },
		{ 0x41, 0x45, 0, TERM_NONE },
		{ 0x41, 0x46, 0, TERM_NONE },
		{ 0x41, 0x47, 2, TERM_NONE },
		{ 0x01, 0x43, 0, TERM_NONE },
		{ 0x7d, 0x73, 0, TERM_NONE }, /* reserved bits are not looked at */
		{ 0xc0, 0x40, 0, TERM_TAGGED_VERSION },
		{ 0xc2, 0x40, 0, TERM_TAGGED_VERSION },
		{ 0x40, 0x43, 0, TERM_UNTAGGED_VERSION },
		{ 0x41, 0x43, 3, TERM_QN },
		{ 0x41, 0x43, 0xffffffff, TERM_QN },
		{ 0xc1, 0x00, 0, TERM_RDMAP_VERSION },
		{ 0x41, 0xc3, 0, TERM_RDMAP_VERSION },
		{ 0x41, 0x40, 0, TERM_OPCODE },
		{ 0x41, 0x42, 0, TERM_OPCODE },
		{ 0xc1, 0x43, 0, TERM_OPCODE },
		{ 0xc1, 0x41, 0, TERM_OPCODE },
		{ 0xc1, 0x47, 0, TERM_OPCODE },
		{ 0x41, 0x43, 1, TERM_OPCODE },
		{ 0x41, 0x41, 0, TERM_OPCODE },
		{ 0x41, 0x47, 0, TERM_OPCODE },
		{ 0x41, 0x48, 0, TERM_OPCODE },
		{ 0x41, 0x4f, 0, TERM_OPCODE },
		{ 0x41, 0x41, 2, TERM_OPCODE },
	};
	uint8_t out[18];
	struct ddp_hdr h;

	(void)state;
	ddp_decode(write, &h);
	assert_true(h.tagged && h.last);
	assert_int_equal(h.stag, 0x01020304);
	assert_true(h.to == 0x80060708090a0b0cull);
	assert_int_equal(ddp_encode(&h, out), 14);
	assert_memory_equal(out, write, 14);
	ddp_decode(send, &h);
	assert_true(!h.tagged && !h.last);
	assert_int_equal(h.inval_stag, 0x01020304);
	assert_int_equal(h.qn, 0);
	assert_int_equal(h.msn, 0x05060708);
	assert_int_equal(h.mo, 0x090a0b0c);
	assert_int_equal(ddp_encode(&h, out), 18);
	assert_memory_equal(out, send, 18);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t p[18] = { rows[i].b0, rows[i].b1 };

		ddp_decode(p, &h);
		h.qn = rows[i].qn;
		assert_int_equal(rdmap_check(&h), rows[i].cause);
	}
}

static void test_read_request(void **state)
{
	static const uint8_t body[28] = { 1, 2, 3,  4,	5,  6,	7,    8,  9,  10, 11, 12, 0,  1,
					  0, 0, 13, 14, 15, 16, 0xff, 18, 19, 20, 21, 22, 23, 24 };
	struct rdmap_read_req r;
	uint8_t out[28];

	(void)state;
	rdmap_read_req_decode(body, &r);
	assert_int_equal(r.sink_stag, 0x01020304);
	assert_true(r.sink_to == 0x05060708090a0b0cull);
	assert_int_equal(r.size_bytes, 65536);
	assert_int_equal(r.src_stag, 0x0d0e0f10);
	assert_true(r.src_to == 0xff12131415161718ull);
	rdmap_read_req_encode(&r, out);
	assert_memory_equal(out, body, 28);
}

static void test_terminate_codec(void **state)
{
	static const uint8_t ddp[18] = { 0x41, 0x41 }, body[28] = { 9 };
	uint8_t out[TERM_BODY_MAX];
	struct term_msg m;

	(void)state;
	assert_int_equal(term_encode(TERM_CRC, 70, ddp, 18, body, out), 4);
	assert_memory_equal(out, "\x20\x02\x00\x00", 4);
	assert_int_equal(term_encode(TERM_MO, 70, ddp, 18, body, out), 24);
	assert_memory_equal(out, "\x12\x04\xc0\x00\x00\x46\x41\x41", 8);
	assert_int_equal(term_encode(TERM_STAG, 46, ddp, 18, body, out), 52);
	assert_memory_equal(out, "\x01\x00\xe0\x00\x00\x2e\x41\x41", 8);
	assert_int_equal(out[24], 9);
	assert_int_equal(term_encode(TERM_ACCESS, 46, ddp, 14, NULL, out), 20);
	assert_memory_equal(out, "\x01\x02\xc0\x00", 4);
	for (int c = TERM_NONE + 1; c < TERM_N_CAUSES; c++) {
		size_t len = term_encode((enum term_cause)c, 40, ddp, 18, body, out);

		assert_true(term_decode(out, len, &m));
		assert_string_equal(m.text, term_text((enum term_cause)c));
		assert_false(m.swapped);
		assert_false(term_decode(out, 3, &m));
	}
	assert_string_equal(term_text(TERM_N_CAUSES), "unknown");
	/* as Linux' siw writes 0/1/01 */
	assert_true(term_decode((const uint8_t *)"\x10\x01\x07\x00", 4, &m));
	assert_true(m.swapped && m.layer == 0 && m.etype == 1 && m.code == 1 && term_is_remote_access(&m));
	/* and its CRC error, where only the meaning betrays the order */
	assert_true(term_decode((const uint8_t *)"\x02\x02\x00\x00", 4, &m));
	assert_true(m.swapped && m.cause == TERM_CRC && !term_is_remote_access(&m));
	assert_true(term_decode((const uint8_t *)"\x02\x06\x00\x00", 4, &m));
	assert_true(!m.swapped && m.cause == TERM_OPCODE);
	assert_true(term_decode((const uint8_t *)"\x7f\x33\x00\x00", 4, &m));
	assert_string_equal(m.text, "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mulpdu),	     cmocka_unit_test(test_trailer_is_cut),
		cmocka_unit_test(test_golden),	     cmocka_unit_test(test_markers),
		cmocka_unit_test(test_room),	     cmocka_unit_test(test_headers),
		cmocka_unit_test(test_read_request), cmocka_unit_test(test_terminate_codec),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
