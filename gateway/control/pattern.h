/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Text of an initiator pattern: "*"; 32 hexadecimal digits with "*" as a prefix or suffix; an IP address or prefix; or
 * both, "DIGITS@ADDRESS". Pure. Layer: control. Knows core/map.h.
 */
#ifndef CONTROL_PATTERN_H
#define CONTROL_PATTERN_H

#include "../core/map.h"

/**
 * pattern_parse() - text to pattern.
 * @out: all but text is filled in.
 * @why: on failure one clause that says what is wrong, @cap bytes.
 */
bool pattern_parse(const char *text, struct initiator_pattern *out, char *why, size_t cap);

/* One initiator port identifier exactly (not a range of them). */
bool pattern_is_one_id(const struct initiator_pattern *p);
/* One address exactly. */
bool pattern_is_one_addr(const struct initiator_pattern *p);

#endif
