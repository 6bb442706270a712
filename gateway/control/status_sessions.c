/* SPDX-License-Identifier: BSD-3-Clause */
/* Sessions, logical units and reactors in the status document, see status_doc.h. Layer: control. */
#include "status_doc.h"

static json_t *channel_json(const struct channel_status *c)
{
	return json_pack("{s:I, s:s, s:s, s:s, s:i, s:i, s:I, s:I, s:I, s:b, s:I, s:I, s:I, s:I}", "id",
			 (json_int_t)c->id, "state", c->state, "peer", c->peer, "device", c->device, "req_lim",
			 (int)c->req_lim, "req_lim_granted", (int)c->req_lim_granted, "n_tasks", (json_int_t)c->n_tasks,
			 "it_iu_len_bytes", (json_int_t)c->it_iu_len, "ti_iu_len_bytes", (json_int_t)c->ti_iu_len,
			 "immediate_data", c->immediate_data, "received_total", (json_int_t)c->n_recv, "sent_total",
			 (json_int_t)c->n_sent, "immediate_writes_total", (json_int_t)c->imm_writes_total,
			 "external_tables_total", (json_int_t)c->ext_tables_total);
}

static json_t *channels_json(const struct session_status *s)
{
	const size_t kept = sizeof(s->channel) / sizeof(s->channel[0]);
	json_t *list = json_array();

	for (size_t i = 0; list && i < s->n_channels && i < kept; i++) {
		if (!status_append(list, channel_json(&s->channel[i]))) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

static json_t *session_json(const struct status_input *in, const struct session_status *s)
{
	return json_pack("{s:I, s:o, s:o, s:s, s:s, s:s, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:o, s:o}", "id",
			 (json_int_t)s->id, "i_port_id", status_hex_json(s->i_port_id, SRP_PORT_ID_LEN), "t_port_id",
			 status_hex_json(s->t_port_id, SRP_PORT_ID_LEN), "target", s->target, "group", s->group, "peer",
			 s->peer, "since", status_since_json(in, s->since_ns), "reactor", (json_int_t)s->reactor,
			 "n_channels", (json_int_t)s->n_channels, "n_detached", (json_int_t)s->n_detached,
			 "logins_total", (json_int_t)s->logins_total, "tmf_total", (json_int_t)s->tmf_total,
			 "tmf_timeout_total", (json_int_t)s->tmf_timeout_total, "io", status_io_json(&s->io), "time",
			 status_time_json(&s->time), "channels", channels_json(s));
}

json_t *status_sessions_json(const struct status_input *in)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < in->core->n_session; i++) {
		if (!status_append(list, session_json(in, &in->core->session[i]))) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

json_t *status_luns_json(const struct status_input *in)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < in->core->n_lun; i++) {
		const struct lun_status *l = &in->core->lun[i];

		if (!status_append(list, json_pack("{s:I, s:s, s:s, s:s, s:s, s:b, s:o, s:o}", "session_id",
						   (json_int_t)l->session_id, "lun", l->lun, "backend", l->backend,
						   "backend_lun", l->backend_lun, "source",
						   l->imported ? "all" : "fixed", "fenced", l->fenced, "io",
						   status_io_json(&l->io), "time", status_time_json(&l->time)))) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

static json_t *stats_json(const struct status_input *in, const char *name, const struct reactor_stats *s)
{
	return json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:I}", "name", name, "loops_total",
			 (json_int_t)s->n_loops, "sleeps_total", (json_int_t)s->n_sleeps, "messages_total",
			 (json_int_t)s->n_msgs, "timers_total", (json_int_t)s->n_timers, "fd_events_total",
			 (json_int_t)s->n_fd_events, "busy_ns_total", (json_int_t)s->busy_ns, "max_loop_ns",
			 (json_int_t)s->max_loop_ns, "max_loop_wall_ns", (json_int_t)s->max_loop_wall_ns,
			 "max_loop_at", s->max_loop_at_ns ? status_since_json(in, s->max_loop_at_ns) : json_null(),
			 "long_loops_total", (json_int_t)s->n_long_loops);
}

static json_t *task_states_json(const struct reactor_status *r)
{
	json_t *states = json_object();

	for (int i = 0; states && i < TASK_N_STATES; i++) {
		if (json_object_set_new(states, task_state_name((enum task_state)i), json_integer(r->task_states[i]))) {
			json_decref(states);
			return NULL;
		}
	}
	return states;
}

static json_t *reactor_json(const struct status_input *in, const struct reactor_status *r)
{
	json_t *o = stats_json(in, r->name, &r->stats);
	json_t *data =
	    json_pack("{s:I, s:I, s:I, s:I, s:I, s:o}", "n_sessions", (json_int_t)r->n_sessions, "n_channels",
		      (json_int_t)r->n_channels, "pool_size_bytes", (json_int_t)r->pool_size_bytes, "pool_free_bytes",
		      (json_int_t)r->pool_free_bytes, "pool_low_water_bytes", (json_int_t)r->pool_low_water_bytes,
		      "task_states", task_states_json(r));

	if (!o || !data || json_object_update(o, data)) {
		json_decref(o);
		o = NULL;
	}
	json_decref(data);
	return o;
}

/* The control reactor first: it has no data path, so only the common members. */
json_t *status_reactors_json(const struct status_input *in)
{
	json_t *list = json_array();
	bool ok = list && status_append(list, stats_json(in, reactor_name(in->control), reactor_stats(in->control)));

	for (size_t i = 0; ok && i < in->core->n_reactor; i++)
		ok = status_append(list, reactor_json(in, &in->core->reactor[i]));
	if (!ok) {
		json_decref(list);
		return NULL;
	}
	return list;
}
