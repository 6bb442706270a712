/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What libiscsi 1.19 forgets, see mend.h.
 */
#include "mend.h"

#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <rdma/rdma_cma.h>

/* How a context begins. */
struct context {
	const void *driver;
	struct connection *conn;
	int32_t transport;
};

#define CONNECTION_BYTES 0x10b8u
#define CM_THREAD_AT 0x1080u

/* What of a connection is of interest. */
struct connection {
	struct rdma_cm_id *id;
	struct rdma_event_channel *channel;
	uint8_t others[CM_THREAD_AT - 2 * sizeof(void *)];
	pthread_t cm_thread;
	uint8_t rest[CONNECTION_BYTES - CM_THREAD_AT - sizeof(pthread_t)];
};

_Static_assert(sizeof(void *) != 8 || (sizeof(struct connection) == CONNECTION_BYTES &&
				       offsetof(struct connection, cm_thread) == CM_THREAD_AT),
	       "as libiscsi 1.19 lays it out");

int mend_begin(struct iscsi_context *iscsi, char *why, size_t cap)
{
	const struct context *c = (const struct context *)(const void *)iscsi;
	size_t size = c->conn && c->transport == ISER_TRANSPORT ? malloc_usable_size(c->conn) : 0;

	/* An allocator may round up, but not by much. */
	if (sizeof(void *) != 8 || size < CONNECTION_BYTES || size > CONNECTION_BYTES * 5 / 4) {
		snprintf(why, cap, "this libiscsi calls itself 1.19 and is built otherwise than expected; use the bridge "
				   "iscsi, or the kernel's iSER through the bridge sg");
		return -1;
	}
	memset(c->conn, 0, CONNECTION_BYTES);
	return 0;
}

void mend_end(struct iscsi_context *iscsi)
{
	struct connection *conn = ((struct context *)(void *)iscsi)->conn;
	struct rdma_event_channel *channel = conn->channel;

	if (conn->id) {
		/*
		 * libiscsi would cancel the thread when it has disconnected, and so while it takes the event of just that:
		 * the connection's end waits for ever for an event that was taken and never acknowledged.
		 */
		if (conn->cm_thread) {
			pthread_cancel(conn->cm_thread);
			pthread_join(conn->cm_thread, NULL);
			conn->cm_thread = 0;
		}
		iscsi_disconnect(iscsi);
	}
	if (channel)
		rdma_destroy_event_channel(channel);
	iscsi_destroy_context(iscsi);
}
