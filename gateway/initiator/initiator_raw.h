/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The back door of the initiator library, for tests that must do what no initiator should: send any bytes on a channel,
 * log in with any private data, see every IU before the library does. No accounting happens here: a raw request
 * costs no credit in the library's books.
 * Layer: initiator. Knows base and rt.
 */
#ifndef INITIATOR_RAW_H
#define INITIATOR_RAW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct initiator;

/*
 * Sends @len bytes (copied, at most req_it_iu_len or 64 KiB) as one IU on @channel. Return: 0; -EAGAIN too many are on their way
 * (16), -EMSGSIZE, -ENOTCONN.
 */
int initiator_raw_send(struct initiator *i, uint32_t channel, const void *bytes, size_t len);

/* Before initiator_login(): the private data of channel 0's login, instead of a LOGIN_REQ. @len at most FABRIC_PRIV_MAX. */
void initiator_raw_set_login(struct initiator *i, const void *priv, size_t len);

/*
 * Called for each IU that arrives; the bytes are valid during the call. Return: true to hide it from the library (a hidden
 * SRP_RSP gives no credit in its books).
 */
typedef bool (*initiator_raw_rx)(void *ctx, uint32_t channel, const uint8_t *bytes, uint32_t len);
void initiator_raw_set_rx(struct initiator *i, initiator_raw_rx fn, void *ctx);

/* The key of the arena on @channel; 0 with register_always or without an arena. */
uint32_t initiator_raw_rkey(const struct initiator *i, uint32_t channel);

/* Disconnects one channel without a word, as a dying queue pair does. */
void initiator_raw_drop(struct initiator *i, uint32_t channel);

/* Books of one channel. */
int32_t initiator_raw_req_lim(const struct initiator *i, uint32_t channel);
uint32_t initiator_raw_granted(const struct initiator *i, uint32_t channel);
/* Adds to the books: after raw requests whose answers the library sees. */
void initiator_raw_charge(struct initiator *i, uint32_t channel, int32_t credits);

#endif
