/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Gates: lines, slots and rates, see gate.h.
 * Layer: core.
 */
#include "gate.h"

#include "core_private.h"
#include "limit.h"
#include "path.h"
#include "shard.h"

/* Keeps products within 64 bits: 2^40 ns are 18 minutes, and users are fewer than 2^20. */
#define MOST_PACE_NS (1ull << 40)

static uint64_t bit(const struct gate_side *d)
{
	return 1ull << d->shard->index % GATE_MOST_SHARDS;
}

static uint64_t others_waiting(const struct gate_side *d)
{
	return atomic_load(&d->gate->waiting) & ~bit(d);
}

/* ---- waking ---- */

static void call_next(struct gate_side *d);

static void timer_fired(struct reactor_timer *t)
{
	struct gate_side *d = container_of(t, struct gate_side, timer);
	struct shard *s = d->shard;

	shard_enter(s);
	call_next(d);
	shard_leave(s);
}

/* Something was given back on another shard. */
static void woken(struct reactor_msg *msg)
{
	struct shard *s = container_of(msg, struct shard, gate_msg);

	atomic_store(&s->gate_msg_sent, false);
	shard_enter(s);
	list_for_each(pos, &s->gates)
		call_next(list_entry(pos, struct gate_side, node));
	shard_leave(s);
}

void gate_init_shard(struct shard *s)
{
	list_init(&s->gates);
	s->gate_msg.fn = woken;
}

static void wake_others(const struct gate_side *d)
{
	struct core *c = d->shard->core;
	uint64_t others;

	/* At the end of the process nobody listens any more. */
	if (d->shard->dead)
		return;
	others = others_waiting(d);
	for (uint32_t i = 0; others && i < c->n_shards; i++, others >>= 1) {
		struct shard *s = c->shard[i];

		if ((others & 1) && !atomic_exchange(&s->gate_msg_sent, true))
			reactor_send(s->reactor, &s->gate_msg);
	}
}

/* The turn goes from this shard to the next one that waits. */
static void pass_turn(const struct gate_side *d)
{
	uint64_t others = others_waiting(d);
	uint32_t i = d->shard->index, mine = i;

	if (!others)
		return;
	do
		i = (i + 1) % GATE_MOST_SHARDS;
	while (!(others >> i & 1));
	atomic_compare_exchange_strong(&d->gate->turn, &mine, i);
}

/* ---- who counts ---- */

static bool is_active(const struct gate_user *u)
{
	return u->n_held > 0 || gate_waits(u);
}

static void count_active(struct gate_user *u, bool was)
{
	bool is = is_active(u);

	if (is == was)
		return;
	u->side->n_active += is ? 1 : -1u;
	atomic_fetch_add(&u->side->gate->n_active, is ? 1 : -1u);
}

/* At the end; whose turn has come before, behind others like it. */
static void line_up(struct gate_user *u)
{
	list_for_each (pos, &u->side->line) {
		if (u->had_turn && !list_entry(pos, struct gate_user, node)->had_turn) {
			list_insert_before(pos, &u->node);
			return;
		}
	}
	list_push_back(&u->side->line, &u->node);
}

static void stand(struct gate_user *u)
{
	struct gate_side *d = u->side;
	bool was = is_active(u);

	if (list_empty(&d->line))
		atomic_fetch_or(&d->gate->waiting, bit(d));
	line_up(u);
	u->path->n_in_line++;
	count_active(u, was);
}

/* Nobody stands in line here any more: the others may use what we might have. */
static void line_ended(struct gate_side *d)
{
	if (!others_waiting(d))
		return;
	if (atomic_load(&d->gate->turn) == d->shard->index)
		pass_turn(d);
	wake_others(d);
}

/* Return: nobody is in line any more. */
static bool step_out(struct gate_user *u)
{
	struct gate_side *d = u->side;
	bool was = is_active(u);

	list_del(&u->node);
	u->path->n_in_line--;
	count_active(u, was);
	if (!list_empty(&d->line))
		return false;
	atomic_fetch_and(&d->gate->waiting, ~bit(d));
	timer_cancel(d->shard->reactor, &d->timer);
	return true;
}

/* ---- may it? ---- */

static bool has_slot(const struct gate_user *u)
{
	const struct gate_side *d = u->side;
	struct gate *g = d->gate;
	uint32_t depth = atomic_load(&g->depth), turn, self = is_active(u) ? 0 : 1;
	uint64_t others;

	if (depth == 0)
		return true;
	if (atomic_load(&g->n_used) >= depth)
		return false;
	others = others_waiting(d);
	if (!others || (d->n_used + 1ull) * (atomic_load(&g->n_active) + self) <= (uint64_t)depth * (d->n_active + self))
		return true;
	turn = atomic_load(&g->turn);
	return turn == d->shard->index || !(others >> turn & 1);
}

/* When the rates let the next one pass. */
static uint64_t pace_ns(const struct gate_side *d)
{
	uint64_t at_ns = 0, t_ns;
	bool shared = others_waiting(d) != 0;

	for (int k = 0; k < GATE_N_RATES; k++) {
		if (!atomic_load_explicit(&d->gate->rate[k], memory_order_relaxed))
			continue;
		t_ns = bucket_free_ns(&d->gate->bucket[k]);
		if (shared && d->pace_ns[k] > t_ns)
			t_ns = d->pace_ns[k];
		if (t_ns > at_ns)
			at_ns = t_ns;
	}
	return at_ns;
}

static bool may_now(const struct gate_user *u, bool paid)
{
	return has_slot(u) && (paid || pace_ns(u->side) <= shard_now_ns(u->side->shard));
}

bool gate_may_pass(const struct gate_user *u, bool paid)
{
	const struct gate_side *d = u->side;

	if (!d || gate_is_open(d->gate))
		return true;
	if (!u->had_turn && !list_empty(&d->line) && list_first(&d->line) != &u->node)
		return false;
	return may_now(u, paid);
}

/* ---- the line ---- */

/* The first one looks again when there is something for it; who has nothing to send any more goes. */
static void call_next(struct gate_side *d)
{
	struct list_node *n;

	while ((n = list_first(&d->line))) {
		struct gate_user *u = list_entry(n, struct gate_user, node);
		uint64_t at_ns = pace_ns(d);

		/*
		 * To call somebody in vain is a waste, and would be one for ever: it stays the first one. Slots that
		 * come back call by themselves.
		 */
		if (!has_slot(u))
			return;
		if (at_ns > shard_now_ns(d->shard)) {
			if (d->timer.deadline_ns != at_ns)
				timer_arm(d->shard->reactor, &d->timer, at_ns);
			return;
		}
		if (limit_call(u))
			return;
		if (step_out(u))
			line_ended(d);
	}
}

/* ---- passing ---- */

bool gate_take(struct gate_user *u, bool *slot)
{
	struct gate_side *d = u->side;
	struct gate *g = d ? d->gate : NULL;
	uint32_t depth = g ? atomic_load(&g->depth) : 0, n;
	bool was;

	*slot = false;
	if (depth == 0)
		return true;
	n = atomic_load(&g->n_used);
	do {
		if (n >= depth)
			return false;
	} while (!atomic_compare_exchange_weak(&g->n_used, &n, n + 1));
	was = is_active(u);
	u->n_held++;
	d->n_used++;
	count_active(u, was);
	if (atomic_load(&g->turn) == d->shard->index)
		pass_turn(d);
	*slot = true;
	return true;
}

static void pay(struct gate_side *d, enum gate_rate k, uint32_t amount)
{
	struct gate *g = d->gate;
	uint64_t rate = atomic_load_explicit(&g->rate[k], memory_order_relaxed);
	uint64_t now_ns = shard_now_ns(d->shard), cost_ns;

	if (!rate || !amount)
		return;
	cost_ns = bucket_cost_ns(amount, rate, &d->rest[k]);
	bucket_take(&g->bucket[k], now_ns, cost_ns);
	if (others_waiting(d) && d->n_active > 0)
		cost_ns = (cost_ns < MOST_PACE_NS ? cost_ns : MOST_PACE_NS) * atomic_load(&g->n_active) / d->n_active;
	d->pace_ns[k] = bucket_after(d->pace_ns[k], now_ns, cost_ns);
}

void gate_pass(struct gate_user *u, uint32_t len_bytes, bool paid)
{
	struct gate_side *d = u->side;

	if (!d)
		return;
	u->had_turn = false;
	if (!paid) {
		pay(d, GATE_IOPS, 1);
		pay(d, GATE_BYTES, len_bytes);
	}
	if (gate_waits(u) && step_out(u))
		line_ended(d);
	else
		call_next(d);
}

static void give_slot(struct gate_user *u)
{
	struct gate_side *d = u->side;
	bool was = is_active(u);

	/* Limits came and went, or it joined another gate, while commands were under way: some were not counted here. */
	if (u->n_held == 0)
		return;
	u->n_held--;
	d->n_used--;
	count_active(u, was);
	atomic_fetch_sub(&d->gate->n_used, 1);
}

void gate_give(struct gate_user *u)
{
	if (!u->side)
		return;
	give_slot(u);
	call_next(u->side);
	if (atomic_load(&u->side->gate->waiting))
		wake_others(u->side);
}

void gate_wait(struct gate_user *u, bool paid)
{
	struct gate_side *d = u->side;

	if (!gate_waits(u))
		stand(u);
	/* Something may have been given back before others could see that we wait. */
	if (list_first(&d->line) == &u->node && may_now(u, paid))
		limit_call(u);
	else
		call_next(d);
}

void gate_leave(struct gate_user *u)
{
	struct gate_side *d = u->side;

	if (!gate_waits(u))
		return;
	if (step_out(u))
		line_ended(d);
	else
		call_next(d);
}

/* ---- joining ---- */

void gate_user_init(struct gate_user *u, struct path *p, struct lu *lu)
{
	*u = (struct gate_user){ .path = p, .lu = lu };
	list_node_init(&u->node);
}

void gate_side_init(struct gate_side *d, struct shard *s, struct gate *g)
{
	*d = (struct gate_side){ .shard = s, .gate = g };
	list_init(&d->line);
	list_node_init(&d->node);
	timer_init(&d->timer, timer_fired);
}

struct gate_side *gate_side_get(struct shard *s, struct gate *g)
{
	struct gate_side *d;

	list_for_each(pos, &s->gates) {
		d = list_entry(pos, struct gate_side, node);
		if (d->gate == g)
			return d;
	}
	d = malloc(sizeof(*d));
	if (!d)
		return NULL;
	gate_side_init(d, s, g);
	d->is_own = true;
	return d;
}

static void open_side(struct gate_side *d)
{
	if (d->n_users++ == 0)
		list_push_back(&d->shard->gates, &d->node);
}

static void close_side(struct gate_side *d)
{
	if (--d->n_users > 0)
		return;
	timer_cancel(d->shard->reactor, &d->timer);
	list_del(&d->node);
	if (d->is_own)
		free(d);
}

static void add_held(struct gate_user *u, struct gate_side *d, uint32_t n)
{
	u->n_held = n;
	d->n_used += n;
	atomic_fetch_add(&d->gate->n_used, n);
	count_active(u, false);
}

static void drop_held(struct gate_user *u)
{
	bool was = is_active(u);
	uint32_t n = u->n_held;

	u->n_held = 0;
	u->side->n_used -= n;
	count_active(u, was);
	atomic_fetch_sub(&u->side->gate->n_used, n);
}

void gate_join(struct gate_user *u, struct gate_side *side)
{
	struct gate_side *old = u->side;
	uint32_t n = u->n_held;

	if (old == side)
		return;
	if (side)
		open_side(side);
	if (old) {
		gate_leave(u);
		drop_held(u);
		call_next(old);
		if (others_waiting(old))
			wake_others(old);
	}
	u->side = side;
	u->had_turn = false;
	if (side && n > 0)
		add_held(u, side, n);
	for (int k = 0; side && old && k < GATE_N_RATES; k++)
		if (side->gate->rate[k] == old->gate->rate[k])
			bucket_inherit(&side->gate->bucket[k], &old->gate->bucket[k]);
	if (old)
		close_side(old);
}
