/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * For tests of maps that take all of a back-end: what the fake back-ends say that they have, and what a host sees of it.
 */
#ifndef TESTS_UNIT_CORE_INVENTORY_RIG_H
#define TESTS_UNIT_CORE_INVENTORY_RIG_H

#include "../../../gateway/core/inventory.h"
#include "../../../gateway/core/lu.h"
#include "../../../gateway/core/nexus.h"
#include "../../../gateway/core/path.h"
#include "rig.h"

/* What back-end @which says: LUN LIST LENGTH @list_bytes, and @n LUNs. The fake disk's first block is the answer. */
void say_raw(struct rig *r, unsigned which, uint32_t list_bytes, const uint16_t *lun, size_t n);
void say(struct rig *r, unsigned which, const uint16_t *lun, size_t n);
#define SAY(r, which, ...) \
	say(r, which, (const uint16_t[]){ __VA_ARGS__ }, sizeof((uint16_t[]){ __VA_ARGS__ }) / sizeof(uint16_t))

/* A map of @n_fixed entries of the usual one and all of the first @n_all back-ends. */
struct rig_map *map_all(struct rig_map *m, size_t n_fixed, size_t n_all);
/* The rig, started with such a map. */
void start_with_all(struct rig *r, size_t n_fixed, size_t n_all);

/* REPORT LUNS. Return: its tag. */
uint64_t ask(struct rig *r, struct fake_conn *c);
/* The answer to ask(), as the first two bytes of each LUN, and not a byte more. Return: how many. */
size_t expect_list(struct rig *r, struct fake_conn *c, uint64_t tag, uint16_t *lun, size_t cap);
void check_luns(struct rig *r, struct fake_conn *c, const uint16_t *want, size_t n);
#define CHECK_LUNS(r, c, ...) \
	check_luns(r, c, (const uint16_t[]){ __VA_ARGS__ }, sizeof((uint16_t[]){ __VA_ARGS__ }) / sizeof(uint16_t))

/* REPORTED LUNS DATA HAS CHANGED once on @lun; or not. */
void expect_told(struct rig *r, struct fake_conn *c, uint32_t lun);
void expect_not_told(struct rig *r, struct fake_conn *c, uint32_t lun);

void says_it_changed(struct rig *r, unsigned which);
/* Of the only nexus. */
struct inventory *inventory(struct rig *r, unsigned which);

int inventory_setup(void **state);
int inventory_teardown(void **state);
#define TEST(f) cmocka_unit_test_setup_teardown(f, inventory_setup, inventory_teardown)

#endif
