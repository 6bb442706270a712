/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A host that stays logged in and looks at its logical units when it is told to, a line each on its standard input:
 *
 *	list	REPORT LUNS: prints "luns" and their numbers
 *	read N	the first block of LUN N: prints "good", "busy", "status XX", or the sense data as K/AA/QQ
 *
 * Nothing is repeated: each unit attention is shown. Prints "working" when it is logged in; ends with its input.
 */
#include "client.h"

#include "../../gateway/proto/scsi.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LIST_BYTES = 65536 };

static void on_done(struct initiator_cmd *cmd)
{
	((struct wait_cmd *)cmd->ctx)->over = true;
}

static bool is_over(const void *w)
{
	return ((const struct wait_cmd *)w)->over;
}

static void once(struct host *h, struct wait_cmd *w)
{
	w->cmd.done = on_done;
	w->cmd.ctx = w;
	initiator_submit(h->ini, &w->cmd);
	client_wait(h->c, is_over, w);
	if (w->cmd.code)
		fail("host %u: opcode %02x: code %d", h->number, w->cmd.cdb[0], w->cmd.code);
}

static void show(const struct initiator_cmd *c)
{
	struct scsi_sense sense;

	if (c->status == SCSI_GOOD)
		puts("good");
	else if (c->status == SCSI_BUSY)
		puts("busy");
	else if (scsi_sense_parse(c->sense, c->sense_len, &sense))
		printf("%x/%02x/%02x\n", sense.key, sense.asc, sense.ascq);
	else
		printf("status %02x\n", c->status);
}

static void list(struct host *h)
{
	struct wait_cmd w = { .over = false };
	uint32_t bytes;
	char text[17];

	memset(h->arena, 0, LIST_BYTES);
	w.cmd = (struct initiator_cmd){
		.cdb = { SCSI_OP_REPORT_LUNS, [7] = LIST_BYTES >> 16 & 0xff, [8] = LIST_BYTES >> 8 & 0xff },
		.dir = INITIATOR_READ,
		.buf = h->arena,
		.len_bytes = LIST_BYTES,
		.channel = UINT32_MAX,
	};
	once(h, &w);
	if (w.cmd.status) {
		show(&w.cmd);
		return;
	}
	bytes = (uint32_t)h->arena[0] << 24 | (uint32_t)h->arena[1] << 16 | (uint32_t)h->arena[2] << 8 | h->arena[3];
	if (bytes > LIST_BYTES - 8 || w.cmd.resid_under != LIST_BYTES - 8 - bytes)
		fail("REPORT LUNS says %u bytes, and %u of %u were not sent", bytes, w.cmd.resid_under, LIST_BYTES);
	fputs("luns", stdout);
	for (uint32_t i = 0; i < bytes / 8; i++)
		printf(" %s", scsi_lun_str(h->arena + 8 + 8 * (size_t)i, text));
	putchar('\n');
}

static void read_block(struct host *h, uint32_t number)
{
	struct wait_cmd w = { .over = false };

	cmd_rw(&w.cmd, false, 0, h->arena, 512);
	if (!scsi_lun_from_number(number, w.cmd.lun))
		fail("there is no LUN %u", number);
	once(h, &w);
	show(&w.cmd);
}

void client_luns(struct client *c)
{
	struct host h = { .may_be_lost = false };
	char line[64];

	host_login(c, &h, 1, LIST_BYTES);
	puts("working");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		if (strcmp(line, "list\n") == 0)
			list(&h);
		else if (strncmp(line, "read ", 5) == 0)
			read_block(&h, (uint32_t)strtoul(line + 5, NULL, 10));
		else
			fail("neither list nor read: %s", line);
		fflush(stdout);
	}
	host_end(&h);
}
