/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The unit attention after the loss of a back-end session: one of additional sense code 29h for each logical unit, the
 * back-end's own or, where that says nothing, I T NEXUS LOSS OCCURRED of the gateway. Nobody can know beforehand
 * whether the back-end will speak, so the gateway's waits for the next command; who is told it has the back-end's,
 * should it come with the command after, taken away: a command that is answered so was not carried out and is sent
 * again. Layer: core. Source: SAM-5 6.3.4 (I_T nexus loss), 5.14 (unit attentions).
 */
#ifndef CORE_ATTENTION_H
#define CORE_ATTENTION_H

#include <stdbool.h>

struct io;
struct path;

/* Another session is up after one that was lost. */
void attention_session_up(struct path *p);
/* The back-end answered a command. Return: true when the host must not hear that: the command goes there again. */
bool attention_swallows(struct io *io);

#endif
