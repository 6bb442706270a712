/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Intrusive doubly linked list, used for every FIFO of the data path (no allocation, O(1) unlink).
 * A node that is on no list points at itself, so list_del() twice is harmless and list_linked() answers.
 * Layer: base. Knows libc only.
 */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list_node {
	struct list_node *next, *prev;
};

/* A list head is a node of its own; it is never an entry. */
struct list {
	struct list_node head;
};

#define container_of(ptr, type, member) ((type *)(void *)((char *)(ptr) - offsetof(type, member)))

static inline void list_node_init(struct list_node *n)
{
	n->next = n->prev = n;
}

static inline void list_init(struct list *l)
{
	list_node_init(&l->head);
}

static inline bool list_empty(const struct list *l)
{
	return l->head.next == &l->head;
}

static inline bool list_linked(const struct list_node *n)
{
	return n->next != n;
}

static inline void list_insert_before(struct list_node *pos, struct list_node *n)
{
	n->prev = pos->prev;
	n->next = pos;
	pos->prev->next = n;
	pos->prev = n;
}

static inline void list_push_back(struct list *l, struct list_node *n)
{
	list_insert_before(&l->head, n);
}

static inline void list_push_front(struct list *l, struct list_node *n)
{
	list_insert_before(l->head.next, n);
}

static inline void list_del(struct list_node *n)
{
	n->prev->next = n->next;
	n->next->prev = n->prev;
	list_node_init(n);
}

/* First node, or NULL when the list is empty. The node stays on the list. */
static inline struct list_node *list_first(const struct list *l)
{
	return list_empty(l) ? NULL : l->head.next;
}

static inline struct list_node *list_pop_front(struct list *l)
{
	struct list_node *n = list_first(l);

	if (n)
		list_del(n);
	return n;
}

/* Appends all of @from to @to; @from is empty afterwards. */
static inline void list_splice_back(struct list *to, struct list *from)
{
	if (list_empty(from))
		return;
	from->head.next->prev = to->head.prev;
	to->head.prev->next = from->head.next;
	from->head.prev->next = &to->head;
	to->head.prev = from->head.prev;
	list_init(from);
}

#define list_entry(node, type, member) container_of(node, type, member)

/* pos is declared here, so it cannot stand in parentheses. NOLINTBEGIN(bugprone-macro-parentheses) */
#define list_for_each(pos, l) \
	for (struct list_node *pos = (l)->head.next; pos != &(l)->head; pos = pos->next)

/* As list_for_each, and the body may unlink (or free) @pos, but no other node. */
#define list_for_each_safe(pos, l) \
	for (struct list_node *pos = (l)->head.next, *pos##_next = pos->next; pos != &(l)->head; \
	     pos = pos##_next, pos##_next = pos->next)
/* NOLINTEND(bugprone-macro-parentheses) */

#endif
