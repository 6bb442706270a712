/* SPDX-License-Identifier: BSD-3-Clause */
/* What gateway.c and reload.c share. Layer: control. */
#ifndef CONTROL_GATEWAY_PRIVATE_H
#define CONTROL_GATEWAY_PRIVATE_H

#include "../base/list.h"
#include "backends.h"
#include "gateway.h"
#include "reactors.h"

struct events;
struct keep_store;
struct service;

struct gateway {
	struct gateway_params params;
	struct config *config;	     /* what is in force */
	struct config *start_config; /* what the listeners and all that needs a restart came from */
	struct events *events;
	struct reactors *reactors;
	struct core *core;
	struct bridge_host *bridges;
	struct backends *backends;
	struct map *first_map; /* until it is applied */
	struct listeners *listeners;
	struct service *service;
	struct keep_store *keep_store; /* or NULL */
	int lock_fd;

	const char *state;
	uint64_t generation;
	bool was_ready; /* when the drain began */
	struct list drain_waiters;
	uint64_t started_ms;

	/* reload */
	bool reloading;
	struct config *next_config;
	json_t *reload_warnings;
	void (*reload_done)(void *arg, json_t *answer);
	void *reload_arg;
	uint64_t reloads_total, reload_errors_total;
	char last_reload_error[1024];
};

#endif
