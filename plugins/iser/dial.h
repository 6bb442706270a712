/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Connecting, logging in and hanging up on threads of their own: struct offsite for iSER.
 * Plugin iser.
 */
#ifndef ISER_DIAL_H
#define ISER_DIAL_H

#include "../iscsi/session.h"

extern const struct offsite dial_offsite;

#endif
