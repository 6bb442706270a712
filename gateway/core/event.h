/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a host should know without asking: a unit attention on its logical units, told to the next command of each, and
 * at once by AER_REQ where the target's configuration or the host's login wants that.
 * Layer: core. Source: SPC-4 REPORTED LUNS DATA HAS CHANGED; SRP r16a AER_REQ.
 */
#ifndef CORE_EVENT_H
#define CORE_EVENT_H

struct channel;
struct nexus;

/* The list of logical units of @n is not what it was, or a back-end says so of its own. */
void event_luns_changed(struct nexus *n);
/* The host asked for the list: it knows. */
void event_luns_reported(struct nexus *n);

#endif
