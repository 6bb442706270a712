/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which commands a host may simply send again when nobody knows whether they were carried out.
 * Pure. Layer: core. Source: SBC-4, SPC-4, SSC-4 command sets.
 */
#ifndef CORE_REPEAT_H
#define CORE_REPEAT_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Would carrying out @cdb (16 bytes) a second time leave the logical unit, and what the host is told, as the first time
 * did? Unknown commands: false.
 */
bool repeat_is_harmless(const uint8_t *cdb);

/* SYNCHRONIZE CACHE of the whole logical unit, as hosts send it. */
bool repeat_is_flush(const uint8_t *cdb);

/*
 * Does it only ask whether the logical unit is there and what it is like? Such a command moves no medium data and changes
 * nothing, and whoever sends it can make use of the answer NOT READY. Reservations are none of it.
 */
bool repeat_only_asks(const uint8_t *cdb);

#endif
