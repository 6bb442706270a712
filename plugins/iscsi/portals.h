/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The portals of one target: which there are, which work, since when and why not, and which is to be tried next. Shared
 * by the target's paths on all reactors, under a mutex that no command ever takes. Pure otherwise: the caller brings the
 * time. Knows session.h's portals, no libiscsi and no path.
 *
 * All portals of a table are ways into one target portal group (RFC 7143 2.7.1): registrations and ALUA states belong
 * to the group, so a session may move inside it and not beyond. Which group: the one that was configured; else that of
 * the portal through which the first session came up, the URI's if it works.
 */
#ifndef ISCSI_PORTALS_H
#define ISCSI_PORTALS_H

#include <srpgw/bridge.h>

#include <pthread.h>

#define MAX_PORTALS 64u
#define PORTAL_MAX_BYTES 272u
#define WHY_BYTES 384u
#define NO_GROUP (-1)

struct portal {
	char host[256];
	uint16_t port;
};

/* What is known of a portal by trying. */
enum portal_reach { PORTAL_UNKNOWN, PORTAL_ANSWERS, PORTAL_DOWN };

struct portal_entry {
	struct portal portal;
	char address[PORTAL_MAX_BYTES]; /* text of it */
	bool listed;                    /* in the configuration */
	uint32_t told;                  /* number of the SendTargets answer that named it last; 0: none */
	int32_t group;                  /* NO_GROUP: not known */
	enum portal_reach reach;
	char why[WHY_BYTES];            /* with DOWN */
	uint32_t n_paths;               /* sessions that are up through it */
	const char *shown;              /* the state as people see it */
	uint64_t since_ns;              /* ... since */
	uint64_t answers_since_ns;      /* with ANSWERS, without interruption */
	/* It answers and does not serve: not preferred until then. The time doubles until a login works. */
	uint64_t distrust_until_ns;
	uint32_t distrust_ms;
	bool probing;
	uint64_t probe_at_ns;
	uint32_t probe_pause_ms;
};

struct portal_table {
	pthread_mutex_t lock;
	struct portal_entry entry[MAX_PORTALS]; /* the preferred first; an index stays what it is */
	uint32_t n;
	int32_t group;    /* NO_GROUP: not known yet */
	bool has_failback;
	uint64_t failback_ns;
	bool discovers, discovering;
	uint32_t n_told;  /* SendTargets answers that are complete */
	uint64_t discover_at_ns;
};

/* What came to naught: decides how soon the portal is tried again. */
enum portal_failure {
	PORTAL_UNREACHABLE, /* no connection, or it was cut: as good as new when it answers a probe */
	PORTAL_NO_SERVICE,  /* it takes connections and does not serve: that it answers a probe proves little */
};

void portals_init(struct portal_table *t, const struct portal *portal, uint32_t n, int32_t group, bool has_failback,
		  uint32_t failback_s, bool discovers);
void portals_destroy(struct portal_table *t);

/*
 * The portals to try, the best first: those that answer, then those not known, then those whose sessions failed lately,
 * then those that are down; among equals as listed. Without those of @tried (a bit for each index), and without those
 * of another group unless there are no others.
 * Return: how many.
 */
uint32_t portals_order(struct portal_table *t, uint64_t tried, uint64_t now_ns, uint8_t order[MAX_PORTALS]);
void portals_get(struct portal_table *t, uint32_t i, struct portal *out);

/*
 * A target told, in a login or by SendTargets, to which group portal @i belongs.
 * Return: true; false with one line of cause and cure when it is not ours.
 */
bool portals_group_told(struct portal_table *t, uint32_t i, int32_t group, uint64_t now_ns, char *why, size_t cap);
/* A session is up through @i; its group becomes the table's if none was known. Return: as portals_group_told(). */
bool portals_up(struct portal_table *t, uint32_t i, uint64_t now_ns, char *why, size_t cap);
/* Such a session is over, in whatever way. */
void portals_session_over(struct portal_table *t, uint32_t i, uint64_t now_ns);
void portals_failed(struct portal_table *t, uint32_t i, enum portal_failure kind, uint64_t now_ns, const char *why);
void portals_answered(struct portal_table *t, uint32_t i, uint64_t now_ns);

/* ---- background ---- */

/*
 * A portal to be probed now, which is then the caller's to probe until portals_answered(), portals_failed() or
 * portals_probe_dropped(). Return: its index, or -1 with the time in which one will be.
 */
int portals_probe_due(struct portal_table *t, uint64_t now_ns, uint64_t *in_ns);
void portals_probe_dropped(struct portal_table *t, uint32_t i);
/* Those that are not in use are due now. */
void portals_probe_soon(struct portal_table *t, uint64_t now_ns);
/* A portal before @mine that has answered for as long as failback asks, by policy. Return: its index or -1. */
int portals_better(struct portal_table *t, uint32_t mine, uint64_t now_ns);
/* Is there another one that is believed to work? */
bool portals_other_answers(struct portal_table *t, uint32_t mine, uint64_t now_ns);

/* SendTargets is due, and is the caller's to do until portals_discovered(). */
bool portals_discovery_due(struct portal_table *t, uint64_t now_ns);
/* One portal of the answer. Return: false when there is no room. */
bool portals_told(struct portal_table *t, const struct portal *p, int32_t group, uint64_t now_ns);
/* The answer of portal @i is complete, or, with !@ok, there is none. What it did not name, nor the file, is gone. */
void portals_discovered(struct portal_table *t, uint32_t i, bool ok, uint64_t now_ns);
void portals_discover_soon(struct portal_table *t, uint64_t now_ns);

/* For the status; any thread. */
void portals_emit(struct portal_table *t, void (*emit)(void *arg, const struct srpgw_portal *p), void *arg);

#endif
