/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Back-ends with a list of their own, see inventory_rig.h.
 */
#include "inventory_rig.h"

#include <string.h>

void say_raw(struct rig *r, unsigned which, uint32_t list_bytes, const uint16_t *lun, size_t n)
{
	uint8_t *disk = r->disk[which]->disk;

	memset(disk, 0, INVENTORY_BYTES);
	disk[0] = (uint8_t)(list_bytes >> 24);
	disk[1] = (uint8_t)(list_bytes >> 16);
	disk[2] = (uint8_t)(list_bytes >> 8);
	disk[3] = (uint8_t)list_bytes;
	for (size_t i = 0; i < n; i++) {
		disk[8 + 8 * i] = (uint8_t)(lun[i] >> 8);
		disk[9 + 8 * i] = (uint8_t)lun[i];
	}
}

void say(struct rig *r, unsigned which, const uint16_t *lun, size_t n)
{
	say_raw(r, which, (uint32_t)(8 * n), lun, n);
}

struct rig_map *map_all(struct rig_map *m, size_t n_fixed, size_t n_all)
{
	m->group[0].n_lun = n_fixed;
	m->group[0].all = m->backend;
	m->group[0].n_all = n_all;
	return m;
}

void start_with_all(struct rig *r, size_t n_fixed, size_t n_all)
{
	map_all(r->maps[0], n_fixed, n_all);
	rig_start(r);
}

static void set_alloc(struct rig_cmd *c, uint32_t len)
{
	c->cdb[6] = (uint8_t)(len >> 24);
	c->cdb[7] = (uint8_t)(len >> 16);
	c->cdb[8] = (uint8_t)(len >> 8);
	c->cdb[9] = (uint8_t)len;
}

uint64_t ask(struct rig *r, struct fake_conn *c)
{
	struct rig_cmd cmd = { .dir = RIG_IN, .buf = r->mem, .len = 32768, .cdb = { 0xa0 } };

	memset(r->mem, 0xee, cmd.len);
	set_alloc(&cmd, cmd.len);
	return rig_send_cmd(r, c, &cmd);
}

size_t expect_list(struct rig *r, struct fake_conn *c, uint64_t tag, uint16_t *lun, size_t cap)
{
	uint32_t bytes;

	rig_expect_status(r, c, tag, SCSI_GOOD);
	bytes = (uint32_t)r->mem[0] << 24 | (uint32_t)r->mem[1] << 16 | (uint32_t)r->mem[2] << 8 | r->mem[3];
	assert_int_equal(bytes % 8, 0);
	assert_true(bytes / 8 <= cap);
	for (size_t i = 0; i < bytes / 8; i++)
		lun[i] = (uint16_t)(r->mem[8 + 8 * i] << 8 | r->mem[9 + 8 * i]);
	/* Not a byte more than it says. */
	assert_int_equal(r->mem[8 + bytes], 0xee);
	return bytes / 8;
}

void check_luns(struct rig *r, struct fake_conn *c, const uint16_t *want, size_t n)
{
	uint16_t lun[INVENTORY_MAX_LUNS + 8];

	assert_int_equal(expect_list(r, c, ask(r, c), lun, sizeof(lun) / sizeof(lun[0])), n);
	if (n)
		assert_memory_equal(lun, want, n * sizeof(*want));
}

void expect_told(struct rig *r, struct fake_conn *c, uint32_t lun)
{
	rig_expect_sense(r, c, rig_read(r, c, lun, 4, r->mem, 512), 6, 0x3f, 0x0e);
	rig_expect_status(r, c, rig_read(r, c, lun, 4, r->mem, 512), SCSI_GOOD);
}

void expect_not_told(struct rig *r, struct fake_conn *c, uint32_t lun)
{
	rig_expect_status(r, c, rig_read(r, c, lun, 4, r->mem, 512), SCSI_GOOD);
}

void says_it_changed(struct rig *r, unsigned which)
{
	struct srpgw_event ev = { .struct_size = sizeof(ev), .kind = SRPGW_PATH_INVENTORY_CHANGED };

	r->host.event(fake_path(r->disk[which])->ctx, &ev);
	rig_wait_ms(r, INVENTORY_PAUSE_MS + 1);
}

struct inventory *inventory(struct rig *r, unsigned which)
{
	list_for_each(pos, &rig_nexus(r)->paths) {
		struct path *p = list_entry(pos, struct path, node);

		if (p->backend == &r->backend[which])
			return p->inventory;
	}
	return NULL;
}

int inventory_setup(void **state)
{
	rig_new(state);
	return 0;
}

int inventory_teardown(void **state)
{
	return rig_teardown(state);
}
