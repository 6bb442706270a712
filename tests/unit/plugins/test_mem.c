/* SPDX-License-Identifier: BSD-3-Clause */
/* The RAM disk, command by command: data, sense, residuals, unit attentions, reservations, and two reactors at once. */
#include "host_shim.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { GOOD = 0x00, CHECK = 0x02, CONFLICT = 0x18 };
enum { NONE = SRPGW_DIR_NONE, IN = SRPGW_DIR_IN, OUT = SRPGW_DIR_OUT };

static struct shim shim;
static struct shim_path path;
static struct shim_io io;
static uint8_t buf[1 << 20], other[1 << 20];

static int setup(void **state)
{
	(void)state;
	shim_open(&shim, "mem:64M?luns=3&id=3000000000001000", NULL);
	shim_attach(&shim, &path, 1);
	shim_clear_ua(&path, 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	shim_detach(&path);
	shim_close(&shim);
	return 0;
}

#define CDB(...) (const uint8_t[16]){ __VA_ARGS__ }
/* Runs a command in one piece. */
#define RUN(len, dir, n, ...) shim_do(&path, &io, 0, CDB(__VA_ARGS__), len, dir, buf, n)

static void expect_sense(uint32_t sense)
{
	if (io.pub.status != CHECK || shim_sense(&io) != sense)
		fail_msg("status %02x sense %06x instead of %06x", io.pub.status, shim_sense(&io), sense);
}

/* CHECK CONDITION, INVALID FIELD IN CDB with a pointer to byte @byte. */
static void expect_field(unsigned byte)
{
	expect_sense(0x052400);
	assert_int_equal(io.pub.sense[15], 0xc0);
	assert_int_equal(io.pub.sense[16] << 8 | io.pub.sense[17], byte);
}

static void expect_resid(uint8_t kind, uint32_t resid)
{
	assert_int_equal(io.pub.resid_kind, kind);
	assert_int_equal(io.pub.resid, resid);
}

static uint32_t be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void fill(uint8_t *p, size_t len, uint32_t seed)
{
	for (size_t i = 0; i < len; i++) {
		seed = seed * 1664525u + 1013904223u;
		p[i] = (uint8_t)(seed >> 24);
	}
}

static void test_uri(void **state)
{
	static const struct {
		const char *uri, *says;
	} bad[] = {
		{ "mem:", "missing or not a number" },        { "mem:big", "missing or not a number" },
		{ "mem:0", "missing" },                       { "mem:64M,x", "text after the size" },
		{ "mem:64M?bs=1024", "\"bs=1024\"" },         { "mem:64M?luns=0", "\"luns=0\"" },
		{ "mem:64M?luns=1025", "\"luns=1025\"" },     { "mem:64M?colour=red", "\"colour=red\"" },
		{ "mem:64M?id=12", "\"id=12\"" },             { "mem:1000", "no multiple of the block size" },
		{ "mem:70T", "larger than 64 TiB" },          { "mem:99999999999999999999", "missing or not a number" },
		{ "mem:64T?luns=2", "larger than 64 TiB" },   { "mem:64M?bs=512&&luns=2", "\"\"" },
		{ "mem:20000000T", "missing or not a number" }, { "mem:64M?id=zz00000000000000", "\"id=zz" },
	};
	static const char *const unknown[] = { "sizes", "1", NULL };
	char line[1024];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		shim_open_refused(bad[i].uri, NULL, -EINVAL, line, sizeof(line));
		if (!strstr(line, bad[i].says))
			fail_msg("%s: \"%s\" lacks \"%s\"", bad[i].uri, line, bad[i].says);
	}
	shim_open_refused("mem:1M", unknown, -EINVAL, line, sizeof(line));
	assert_non_null(strstr(line, "\"sizes\""));
}

static void test_inquiry(void **state)
{
	static const uint8_t pages[] = { 0x00, 0x80, 0x83, 0xb0, 0xb1, 0xb2 };

	(void)state;
	memset(buf, 0x5a, 255);
	assert_int_equal(RUN(6, IN, 255, 0x12, 0, 0, 0, 255), GOOD);
	expect_resid(SRPGW_RESID_UNDER, 255 - 96);
	assert_int_equal(buf[0], 0);
	assert_memory_equal(buf + 8, "SRPGW   MEM DISK        ", 24);
	assert_int_equal(buf[4], 91);
	assert_int_equal(buf[96], 0x5a); /* nothing behind the data is touched */
	/* A short allocation length cuts; a short buffer overruns. */
	assert_int_equal(RUN(6, IN, 36, 0x12, 0, 0, 0, 36), GOOD);
	expect_resid(SRPGW_RESID_NONE, 0);
	assert_int_equal(RUN(6, IN, 20, 0x12, 0, 0, 0, 36), GOOD);
	expect_resid(SRPGW_RESID_OVER, 16);
	assert_int_equal(RUN(6, IN, 255, 0x12, 1, 0, 0, 255), GOOD);
	assert_int_equal(buf[3], sizeof(pages));
	assert_memory_equal(buf + 4, pages, sizeof(pages));
	for (size_t i = 0; i < sizeof(pages); i++) {
		assert_int_equal(RUN(6, IN, 255, 0x12, 1, pages[i], 0, 255), GOOD);
		assert_int_equal(buf[1], pages[i]);
	}
	assert_int_equal(RUN(6, IN, 255, 0x12, 1, 0x83, 0, 255), GOOD);
	assert_int_equal(be32(buf + 8), 0x30000000);
	assert_int_equal(be32(buf + 12), 0x1000);
	RUN(6, IN, 255, 0x12, 1, 0x84, 0, 255);
	expect_field(2);
	RUN(6, IN, 255, 0x12, 0, 0x80, 0, 255);
	expect_field(2);
	RUN(6, IN, 255, 0x12, 2, 0, 0, 255);
	expect_field(1);
	/* A unit that is not there, and the well-known one. */
	assert_int_equal(shim_do(&path, &io, 3, CDB(0x12, 0, 0, 0, 96), 6, IN, buf, 96), GOOD);
	assert_int_equal(buf[0], 0x7f);
	shim_prepare(&io, 0, CDB(0x12, 0, 0, 0, 96), 6, IN, buf, 96, 1);
	memcpy(io.pub.lun, "\xc1\x01\0\0\0\0\0", 8);
	assert_int_equal(shim_command(&path, &io), GOOD);
	assert_int_equal(buf[0], 0x1e);
}

static void test_report_luns(void **state)
{
	(void)state;
	assert_int_equal(RUN(12, IN, 64, 0xa0, 0, 0, 0, 0, 0, 0, 0, 0, 64), GOOD);
	assert_int_equal(be32(buf), 24);
	assert_int_equal(buf[8 + 16 + 1], 2);
	expect_resid(SRPGW_RESID_UNDER, 64 - 32);
	assert_int_equal(RUN(12, IN, 16, 0xa0, 0, 0, 0, 0, 0, 0, 0, 0, 16), GOOD);
	assert_int_equal(be32(buf), 24);
	assert_int_equal(RUN(12, IN, 64, 0xa0, 0, 1, 0, 0, 0, 0, 0, 0, 64), GOOD);
	assert_int_equal(be32(buf), 0);
	RUN(12, IN, 64, 0xa0, 0, 0x55, 0, 0, 0, 0, 0, 0, 64);
	expect_field(2);
}

static void test_capacity(void **state)
{
	(void)state;
	assert_int_equal(RUN(10, IN, 8, 0x25), GOOD);
	assert_int_equal(be32(buf), (64 << 20) / 512 - 1);
	assert_int_equal(be32(buf + 4), 512);
	assert_int_equal(RUN(16, IN, 32, 0x9e, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 32), GOOD);
	assert_int_equal(be32(buf + 4), (64 << 20) / 512 - 1);
	assert_int_equal(be32(buf + 8), 512);
	RUN(16, IN, 32, 0x9e, 0x11, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 32);
	expect_field(1);
}

/* All four sizes of READ and WRITE, scattered, and what was written is read. */
static void test_data(void **state)
{
	static const uint32_t sizes[] = { 512, 4096, 65536, 1 << 20 };
	uint8_t cdb[16];

	(void)state;
	for (uint32_t i = 0; i < 4; i++) {
		uint32_t blocks = sizes[i] / 512;

		for (uint32_t n_iov = 1; n_iov <= 7; n_iov += 3) {
			fill(buf, sizes[i], i * 10 + n_iov);
			memset(other, 0, sizes[i]);
			shim_rw16(cdb, true, 100 + i, blocks);
			shim_prepare(&io, 0, cdb, 16, OUT, buf, sizes[i], n_iov);
			assert_int_equal(shim_command(&path, &io), GOOD);
			expect_resid(SRPGW_RESID_NONE, 0);
			shim_rw16(cdb, false, 100 + i, blocks);
			shim_prepare(&io, 0, cdb, 16, IN, other, sizes[i], n_iov + 1);
			assert_int_equal(shim_command(&path, &io), GOOD);
			assert_memory_equal(buf, other, sizes[i]);
		}
	}
	/* One block through each size of CDB lands in the same place. */
	fill(buf, 512, 77);
	assert_int_equal(RUN(6, OUT, 512, 0x0a, 0, 0, 9, 1), GOOD);
	assert_int_equal(shim_do(&path, &io, 0, CDB(0x28, 0, 0, 0, 0, 9, 0, 0, 1), 10, IN, other, 512), GOOD);
	assert_memory_equal(buf, other, 512);
	fill(buf, 512, 78);
	assert_int_equal(RUN(12, OUT, 512, 0xaa, 0, 0, 0, 0, 9, 0, 0, 0, 1), GOOD);
	assert_int_equal(shim_do(&path, &io, 0, CDB(0x08, 0, 0, 9, 1), 6, IN, other, 512), GOOD);
	assert_memory_equal(buf, other, 512);
	fill(buf, 512, 79);
	assert_int_equal(RUN(10, OUT, 512, 0x2a, 0, 0, 0, 0, 9, 0, 0, 1), GOOD);
	assert_int_equal(shim_do(&path, &io, 0, CDB(0xa8, 0, 0, 0, 0, 9, 0, 0, 0, 1), 12, IN, other, 512), GOOD);
	assert_memory_equal(buf, other, 512);
	/* The other units are other disks. */
	shim_clear_ua(&path, 1);
	assert_int_equal(shim_do(&path, &io, 1, CDB(0x28, 0, 0, 0, 0, 9, 0, 0, 1), 10, IN, other, 512), GOOD);
	assert_int_equal(other[0] | other[511], 0);
}

static void test_data_faults(void **state)
{
	uint8_t cdb[16];
	uint32_t last = (64 << 20) / 512 - 1;

	(void)state;
	shim_rw16(cdb, false, last, 1);
	assert_int_equal(shim_do(&path, &io, 0, cdb, 16, IN, buf, 512), GOOD);
	shim_rw16(cdb, false, last, 2);
	shim_do(&path, &io, 0, cdb, 16, IN, buf, 1024);
	expect_sense(0x052100);
	expect_resid(SRPGW_RESID_UNDER, 1024);
	shim_rw16(cdb, true, UINT64_MAX, 2);
	shim_do(&path, &io, 0, cdb, 16, OUT, buf, 1024);
	expect_sense(0x052100);
	shim_rw16(cdb, false, last + 1, 0); /* nothing, right behind the end */
	assert_int_equal(shim_do(&path, &io, 0, cdb, 16, NONE, NULL, 0), GOOD);
	shim_rw16(cdb, false, last + 2, 0);
	shim_do(&path, &io, 0, cdb, 16, NONE, NULL, 0);
	expect_sense(0x052100);
	/* Residuals both ways; what is over is not written. */
	memset(buf, 1, 4096);
	shim_rw16(cdb, true, 0, 8);
	assert_int_equal(shim_do(&path, &io, 0, cdb, 16, OUT, buf, 4096), GOOD);
	memset(buf, 2, 4096);
	shim_rw16(cdb, true, 0, 2);
	assert_int_equal(shim_do(&path, &io, 0, cdb, 16, OUT, buf, 4096), GOOD);
	expect_resid(SRPGW_RESID_UNDER, 3072);
	shim_rw16(cdb, true, 4, 4);
	assert_int_equal(shim_do(&path, &io, 0, cdb, 16, OUT, buf, 512), GOOD);
	expect_resid(SRPGW_RESID_OVER, 1536);
	shim_rw16(cdb, false, 0, 8);
	assert_int_equal(shim_do(&path, &io, 0, cdb, 16, IN, buf, 4096), GOOD);
	for (int i = 0; i < 8; i++)
		assert_int_equal(buf[512 * i], i < 2 || i == 4 ? 2 : 1);
	memset(buf, 7, 512);
	shim_rw16(cdb, false, 0, 8);
	assert_int_equal(shim_do(&path, &io, 0, cdb, 16, OUT, buf, 512), GOOD); /* wrong direction: nothing moves */
	expect_resid(SRPGW_RESID_OVER, 4096);
	assert_int_equal(buf[0], 7);
	/* Not a command, cut short, reserved bits, protection. */
	RUN(6, NONE, 0, 0xc0);
	expect_sense(0x052000);
	RUN(6, IN, 512, 0x28);
	expect_sense(0x052000);
	RUN(10, IN, 512, 0x28, 0x20, 0, 0, 0, 0, 0, 0, 1);
	expect_field(1);
	RUN(10, IN, 512, 0x28, 0, 0, 0, 0, 0, 0, 0, 1, 4);
	expect_field(9);
	shim_do(&path, &io, 3, CDB(0x00), 6, NONE, NULL, 0);
	expect_sense(0x052500);
	shim_prepare(&io, 0, CDB(0x00), 6, NONE, NULL, 0, 1);
	io.pub.lun[3] = 1; /* second level */
	shim_command(&path, &io);
	expect_sense(0x052500);
	shim_rw16(cdb, false, 0, (64 << 20) / 512 + 1);
	shim_do(&path, &io, 0, cdb, 16, NONE, NULL, 0);
	expect_sense(0x052100);
}

static void test_verify_and_compare(void **state)
{
	uint8_t cdb[16];

	(void)state;
	fill(buf, 8192, 5);
	shim_rw16(cdb, true, 32, 16);
	assert_int_equal(shim_do(&path, &io, 0, cdb, 16, OUT, buf, 8192), GOOD);
	assert_int_equal(RUN(10, NONE, 0, 0x2f, 0, 0, 0, 0, 32, 0, 0, 16), GOOD);
	assert_int_equal(RUN(10, OUT, 8192, 0x2f, 2, 0, 0, 0, 32, 0, 0, 16), GOOD);
	buf[5000] ^= 1;
	RUN(10, OUT, 8192, 0x2f, 2, 0, 0, 0, 32, 0, 0, 16);
	expect_sense(0x0e1d00);
	assert_int_equal(be32(io.pub.sense + 3), 5000);
	RUN(10, OUT, 8192, 0x2f, 4, 0, 0, 0, 32, 0, 0, 16);
	expect_field(1);
	assert_int_equal(RUN(16, OUT, 512, 0x8f, 6, 0, 0, 0, 0, 0, 0, 0, 32, 0, 0, 0, 1), GOOD);
	RUN(16, OUT, 512, 0x8f, 6, 0, 0, 0, 0, 0, 0, 0, 32, 0, 0, 0, 2);
	expect_sense(0x0e1d00);
	/* COMPARE AND WRITE: first what must be there, then what is to be. */
	memset(buf + 512, 0xee, 512);
	assert_int_equal(RUN(16, OUT, 1024, 0x89, 0, 0, 0, 0, 0, 0, 0, 0, 32, 0, 0, 0, 1), GOOD);
	RUN(16, OUT, 1024, 0x89, 0, 0, 0, 0, 0, 0, 0, 0, 32, 0, 0, 0, 1);
	expect_sense(0x0e1d00);
	assert_int_equal(shim_do(&path, &io, 0, CDB(0x28, 0, 0, 0, 0, 32, 0, 0, 1), 10, IN, other, 512), GOOD);
	assert_int_equal(other[0], 0xee);
	RUN(16, OUT, 512, 0x89, 0, 0, 0, 0, 0, 0, 0, 0, 32, 0, 0, 0, 1);
	expect_field(13);
	RUN(16, OUT, 1024, 0x89, 0, 0, 0, 0, 0, 0, 0, 0, 32, 0, 0, 0, 200);
	expect_field(13);
}

static void test_provisioning(void **state)
{
	static const uint8_t unmap[] = { 0, 22, 0, 16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 30 };
	static const uint8_t unmap_far[] = { 0, 22, 0, 16, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 30 };
	uint8_t cdb[16], list[24] = { 0 };

	(void)state;
	memset(buf, 0xaa, 64 * 512);
	shim_rw16(cdb, true, 0, 64);
	assert_int_equal(shim_do(&path, &io, 0, cdb, 16, OUT, buf, 64 * 512), GOOD);
	memcpy(list, unmap, sizeof(unmap));
	assert_int_equal(shim_do(&path, &io, 0, CDB(0x42, 0, 0, 0, 0, 0, 0, 0, 24), 10, OUT, list, 24), GOOD);
	shim_rw16(cdb, false, 0, 64);
	assert_int_equal(shim_do(&path, &io, 0, cdb, 16, IN, buf, 64 * 512), GOOD);
	for (int i = 0; i < 64 * 512; i++)
		assert_int_equal(buf[i], i / 512 >= 3 && i / 512 < 33 ? 0 : 0xaa);
	memcpy(list, unmap_far, sizeof(unmap_far));
	shim_do(&path, &io, 0, CDB(0x42, 0, 0, 0, 0, 0, 0, 0, 24), 10, OUT, list, 24);
	expect_sense(0x052100);
	shim_do(&path, &io, 0, CDB(0x42, 0, 0, 0, 0, 0, 0, 0, 7), 10, OUT, list, 7);
	expect_sense(0x051a00);
	list[3] = 32; /* more descriptors than came */
	shim_do(&path, &io, 0, CDB(0x42, 0, 0, 0, 0, 0, 0, 0, 24), 10, OUT, list, 24);
	expect_sense(0x052600);
	/* WRITE SAME: a pattern, zeros, unmap, no data. */
	fill(other, 512, 3);
	assert_int_equal(shim_do(&path, &io, 0, CDB(0x41, 0, 0, 0, 0, 8, 0, 0, 8), 10, OUT, other, 512), GOOD);
	shim_rw16(cdb, false, 8, 8);
	assert_int_equal(shim_do(&path, &io, 0, cdb, 16, IN, buf, 8 * 512), GOOD);
	for (int i = 0; i < 8; i++)
		assert_memory_equal(buf + 512 * i, other, 512);
	memset(other, 0, 512);
	assert_int_equal(shim_do(&path, &io, 0, CDB(0x93, 8, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 4), 16, OUT, other, 512),
			 GOOD);
	assert_int_equal(shim_do(&path, &io, 0, CDB(0x93, 9, 0, 0, 0, 0, 0, 0, 0, 12, 0, 0, 0, 2), 16, NONE, NULL, 0),
			 GOOD);
	assert_int_equal(shim_do(&path, &io, 0, cdb, 16, IN, buf, 8 * 512), GOOD);
	for (int i = 0; i < 8; i++)
		assert_int_equal(!buf[512 * i] && !memcmp(buf + 512 * i, buf + 512 * i + 1, 511), i < 6);
	shim_do(&path, &io, 0, CDB(0x41, 0, 0, 0, 0, 8, 0, 0, 0), 10, OUT, other, 512);
	expect_field(7);
	assert_int_equal(RUN(10, NONE, 0, 0x35), GOOD);
	assert_int_equal(RUN(16, NONE, 0, 0x91), GOOD);
}

static void test_modes_and_opcodes(void **state)
{
	(void)state;
	assert_int_equal(RUN(6, IN, 255, 0x1a, 0, 0x3f, 0, 255), GOOD);
	assert_int_equal(buf[0] + 1, 4 + 8 + 20 + 12 + 12);
	assert_int_equal(buf[2], 0x10);
	assert_int_equal(buf[12], 0x08);
	assert_int_equal(buf[14] & 4, 4);
	assert_int_equal(RUN(6, IN, 255, 0x1a, 8, 0x48, 0, 255), GOOD); /* changeable: nothing */
	assert_int_equal(buf[4], 0x08);
	assert_int_equal(buf[6], 0);
	assert_int_equal(RUN(10, IN, 255, 0x5a, 0x10, 0x0a, 0, 0, 0, 0, 0, 255), GOOD);
	assert_int_equal(buf[7], 16);
	assert_int_equal(buf[8 + 16], 0x0a);
	RUN(6, IN, 255, 0x1a, 0, 0xc8, 0, 255);
	expect_sense(0x053900);
	RUN(6, IN, 255, 0x1a, 0, 0x02, 0, 255);
	expect_field(2);
	RUN(6, OUT, 12, 0x15, 0x10, 0, 0, 12); /* MODE SELECT */
	expect_sense(0x052000);
	assert_int_equal(RUN(12, IN, 4096, 0xa3, 0x0c, 0, 0, 0, 0, 0, 0, 0x10), GOOD);
	assert_int_equal(be32(buf) % 8, 0);
	assert_true(be32(buf) / 8 >= 35);
	assert_int_equal(RUN(12, IN, 64, 0xa3, 0x0c, 1, 0x93, 0, 0, 0, 0, 0, 64), GOOD);
	assert_int_equal(buf[1], 3);
	assert_int_equal(buf[3], 16);
	assert_int_equal(buf[4 + 1], 0x09);
	assert_int_equal(RUN(12, IN, 64, 0xa3, 0x0c, 1, 0xc7, 0, 0, 0, 0, 0, 64), GOOD);
	assert_int_equal(buf[1], 1);
	RUN(12, IN, 64, 0xa3, 0x0c, 1, 0x9e, 0, 0, 0, 0, 0, 64);
	expect_field(4);
	assert_int_equal(RUN(12, IN, 64, 0xa3, 0x0c, 0x82, 0x9e, 0, 0x10, 0, 0, 0, 64), GOOD);
	assert_int_equal(buf[1], 0x83);
	assert_int_equal(buf[4 + 16 + 1], 10);
}

static void test_unit_attention(void **state)
{
	struct shim_path two;
	struct shim_tmf tmf;

	(void)state;
	/* REQUEST SENSE reports and clears; INQUIRY and REPORT LUNS look past it. */
	assert_int_equal(shim_do(&path, &io, 1, CDB(0x12, 0, 0, 0, 36), 6, IN, buf, 36), GOOD);
	assert_int_equal(shim_do(&path, &io, 1, CDB(0x03, 0, 0, 0, 18), 6, IN, buf, 18), GOOD);
	assert_int_equal(buf[2], 6);
	assert_int_equal(buf[12] << 8 | buf[13], 0x2900);
	assert_int_equal(shim_do(&path, &io, 1, CDB(0x03, 1, 0, 0, 8), 6, IN, buf, 18), GOOD);
	assert_int_equal(buf[0], 0x72);
	assert_int_equal(buf[1], 0);
	shim_attach(&shim, &two, 2);
	shim_do(&two, &io, 0, CDB(0x00), 6, NONE, NULL, 0);
	expect_sense(0x062900);
	assert_int_equal(RUN(6, NONE, 0, 0x00), GOOD);
	/* A reset is told to everybody, and starts a stopped unit. */
	assert_int_equal(RUN(6, NONE, 0, 0x1b, 0, 0, 0, 0), GOOD);
	RUN(6, NONE, 0, 0x00);
	expect_sense(0x020402);
	assert_int_equal(shim_tmf(&two, &tmf, SRPGW_TMF_LUN_RESET, 0, NULL), SRPGW_TMF_COMPLETE);
	RUN(6, NONE, 0, 0x00);
	expect_sense(0x062903);
	assert_int_equal(RUN(6, NONE, 0, 0x00), GOOD);
	shim_do(&two, &io, 0, CDB(0x00), 6, NONE, NULL, 0);
	expect_sense(0x062903);
	assert_int_equal(shim_tmf(&two, &tmf, SRPGW_TMF_ABORT_TASK_SET, 0, NULL), SRPGW_TMF_COMPLETE);
	assert_int_equal(shim_tmf(&two, &tmf, SRPGW_TMF_CLEAR_ACA, 0, NULL), SRPGW_TMF_NOT_SUPPORTED);
	assert_int_equal(shim_tmf(&two, &tmf, SRPGW_TMF_LUN_RESET, 9, NULL), SRPGW_TMF_FAILED);
	shim_detach(&two);
}

static void test_reserve(void **state)
{
	struct shim_path two;
	struct shim_tmf tmf;

	(void)state;
	shim_attach(&shim, &two, 2);
	shim_clear_ua(&two, 0);
	assert_int_equal(RUN(6, NONE, 0, 0x16), GOOD);
	assert_int_equal(shim_do(&two, &io, 0, CDB(0x00), 6, NONE, NULL, 0), CONFLICT);
	assert_int_equal(shim_do(&two, &io, 0, CDB(0x16), 6, NONE, NULL, 0), CONFLICT);
	assert_int_equal(shim_do(&two, &io, 0, CDB(0x12, 0, 0, 0, 36), 6, IN, buf, 36), GOOD);
	assert_int_equal(shim_do(&two, &io, 0, CDB(0x17), 6, NONE, NULL, 0), GOOD); /* not its own: nothing */
	assert_int_equal(shim_do(&two, &io, 0, CDB(0x00), 6, NONE, NULL, 0), CONFLICT);
	assert_int_equal(RUN(6, NONE, 0, 0x17), GOOD);
	assert_int_equal(shim_do(&two, &io, 0, CDB(0x00), 6, NONE, NULL, 0), GOOD);
	/* A reset and the loss of the nexus end it, too. */
	assert_int_equal(RUN(6, NONE, 0, 0x16), GOOD);
	assert_int_equal(shim_tmf(&two, &tmf, SRPGW_TMF_LUN_RESET, 0, NULL), SRPGW_TMF_COMPLETE);
	shim_clear_ua(&two, 0);
	assert_int_equal(shim_do(&two, &io, 0, CDB(0x16), 6, NONE, NULL, 0), GOOD);
	shim_clear_ua(&path, 1);
	assert_int_equal(shim_do(&path, &io, 0, CDB(0x03, 0, 0, 0, 18), 6, IN, buf, 18), GOOD);
	assert_int_equal(RUN(6, NONE, 0, 0x00), CONFLICT);
	shim_detach(&two);
	assert_int_equal(RUN(6, NONE, 0, 0x00), GOOD);
}

/* PERSISTENT RESERVE OUT. */
static int pr_out(struct shim_path *p, uint8_t action, uint8_t type, uint8_t key, uint8_t action_key)
{
	uint8_t list[24] = { [7] = key, [15] = action_key };

	return shim_do(p, &io, 0, CDB(0x5f, action, type, 0, 0, 0, 0, 0, 24), 10, OUT, list, 24);
}

static int pr_read(struct shim_path *p)
{
	return shim_do(p, &io, 0, CDB(0x28, 0, 0, 0, 0, 0, 0, 0, 1), 10, IN, buf, 512);
}

static int pr_write(struct shim_path *p)
{
	return shim_do(p, &io, 0, CDB(0x2a, 0, 0, 0, 0, 0, 0, 0, 1), 10, OUT, buf, 512);
}

static void test_persistent_reserve(void **state)
{
	struct shim_path two;

	(void)state;
	shim_attach(&shim, &two, 2);
	shim_clear_ua(&two, 0);
	assert_int_equal(pr_out(&path, 1, 1, 0x11, 0), CONFLICT); /* not registered */
	assert_int_equal(pr_out(&path, 0, 0, 0, 0x11), GOOD);
	assert_int_equal(pr_out(&path, 0, 0, 0, 0x11), CONFLICT); /* it is registered now */
	assert_int_equal(pr_out(&path, 1, 1, 0x11, 0), GOOD);     /* write exclusive */
	assert_int_equal(pr_read(&two), GOOD);
	assert_int_equal(pr_write(&two), CONFLICT);
	assert_int_equal(pr_write(&path), GOOD);
	assert_int_equal(RUN(10, IN, 255, 0x5e, 1, 0, 0, 0, 0, 0, 0, 255), GOOD);
	assert_int_equal(be32(buf + 4), 16);
	assert_int_equal(buf[15], 0x11);
	assert_int_equal(buf[21], 1);
	assert_int_equal(pr_out(&path, 2, 3, 0x11, 0), CHECK); /* another type */
	expect_sense(0x052604);
	assert_int_equal(pr_out(&path, 2, 1, 0x11, 0), GOOD);
	assert_int_equal(pr_out(&path, 1, 3, 0x11, 0), GOOD); /* exclusive access */
	assert_int_equal(pr_read(&two), CONFLICT);
	assert_int_equal(shim_do(&two, &io, 0, CDB(0x00), 6, NONE, NULL, 0), GOOD);
	assert_int_equal(shim_do(&two, &io, 0, CDB(0x16), 6, NONE, NULL, 0), CONFLICT);
	/* The second preempts; the first learns of it and is out. */
	assert_int_equal(pr_out(&two, 6, 0, 0, 0x22), GOOD);
	assert_int_equal(pr_out(&two, 4, 6, 0x22, 0x11), GOOD); /* exclusive access, registrants only */
	pr_read(&path);
	expect_sense(0x062a05);
	assert_int_equal(pr_read(&path), CONFLICT);
	assert_int_equal(pr_read(&two), GOOD);
	assert_int_equal(pr_out(&path, 0, 0, 0, 0x11), GOOD);
	assert_int_equal(pr_write(&path), GOOD); /* registrants only */
	assert_int_equal(pr_out(&two, 2, 6, 0x22, 0), GOOD);
	pr_read(&path);
	expect_sense(0x062a04);
	assert_int_equal(RUN(10, IN, 255, 0x5e, 0, 0, 0, 0, 0, 0, 0, 255), GOOD);
	assert_int_equal(be32(buf + 4), 16);
	assert_int_equal(pr_out(&two, 1, 0x14, 0x22, 0), CHECK);
	expect_field(2);
	/* A registration outlives the session of its nexus. */
	assert_int_equal(pr_out(&two, 1, 1, 0x22, 0), GOOD);
	shim_detach(&two);
	assert_int_equal(pr_write(&path), CONFLICT);
	shim_attach(&shim, &two, 2);
	shim_clear_ua(&two, 0);
	assert_int_equal(pr_write(&two), GOOD);
	assert_int_equal(pr_out(&two, 3, 0, 0x22, 0), GOOD); /* clear */
	pr_write(&path);
	expect_sense(0x062a03);
	assert_int_equal(pr_write(&path), GOOD);
	shim_detach(&two);
}

static void test_not_up(void **state)
{
	struct shim_path p;

	(void)state;
	shim_attach_start(&shim, &p, 3);
	assert_int_equal(shim_do(&p, &io, 0, CDB(0x00), 6, NONE, NULL, 0), -1 - SRPGW_DELIVERY_NEVER);
	shim_detach(&p);
	assert_false(p.up);
}

/* Two nexuses on two threads write and read the same blocks; nothing but the data is theirs to race on. */
struct racer {
	struct shim shim;
	unsigned number;
};

static void *race(void *arg)
{
	struct racer *r = arg;
	struct shim_path p;
	struct shim_io rio;
	static const uint32_t len = 64 * 512;
	uint8_t *data = malloc(len), cdb[16];

	shim_attach(&r->shim, &p, r->number);
	shim_clear_ua(&p, 0);
	memset(data, (int)r->number, len);
	for (int i = 0; i < 400; i++) {
		shim_rw16(cdb, i & 1, 0, 64);
		int st = shim_do(&p, &rio, 0, cdb, 16, i & 1 ? OUT : IN, data, len);

		if (st != GOOD)
			break;
		if (i % 50 == 0)
			shim_do(&p, &rio, 0, CDB(0x93, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 64), 16, NONE, NULL, 0);
	}
	shim_detach(&p);
	free(data);
	return NULL;
}

static void test_two_reactors(void **state)
{
	static struct racer r[2];
	pthread_t thread[2];

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		shim_share(&r[i].shim, &shim);
		r[i].number = 10 + i;
		assert_int_equal(pthread_create(&thread[i], NULL, race, &r[i]), 0);
	}
	for (unsigned i = 0; i < 2; i++) {
		pthread_join(thread[i], NULL);
		shim_close(&r[i].shim);
	}
}

static void test_many_luns_and_4k(void **state)
{
	struct shim s;
	struct shim_path p;
	uint8_t cdb[16];

	(void)state;
	shim_open(&s, "mem:1G?bs=4096&luns=300", NULL);
	shim_attach(&s, &p, 1);
	assert_int_equal(shim_do(&p, &io, 0, CDB(0xa0, 0, 0, 0, 0, 0, 0, 0, 0x10), 12, IN, buf, 4096), GOOD);
	assert_int_equal(be32(buf), 2400);
	assert_int_equal(buf[8 + 8 * 299], 0x41);
	assert_int_equal(buf[8 + 8 * 299 + 1], 0x2b);
	shim_clear_ua(&p, 299);
	fill(buf, 8192, 9);
	shim_rw16(cdb, true, 1000, 2);
	assert_int_equal(shim_do(&p, &io, 299, cdb, 16, OUT, buf, 8192), GOOD);
	shim_rw16(cdb, false, 1000, 2);
	assert_int_equal(shim_do(&p, &io, 299, cdb, 16, IN, other, 8192), GOOD);
	assert_memory_equal(buf, other, 8192);
	assert_string_equal(shim_fact(&p, "logical_units", (char *)other, 64), "300");
	shim_detach(&p);
	shim_close(&s);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_uri),
		T(test_inquiry),
		T(test_report_luns),
		T(test_capacity),
		T(test_data),
		T(test_data_faults),
		T(test_verify_and_compare),
		T(test_provisioning),
		T(test_modes_and_opcodes),
		T(test_unit_attention),
		T(test_reserve),
		T(test_persistent_reserve),
		T(test_not_up),
		T(test_two_reactors),
		cmocka_unit_test(test_many_luns_and_4k),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
