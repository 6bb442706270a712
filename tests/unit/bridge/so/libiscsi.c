/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A library with the symbols that tell the versions of libiscsi apart; STANDIN: 1180, 1190, 1200 or 1201.
 */
#define EXPORT __attribute__((visibility("default")))

EXPORT void iscsi_init_transport(void);
EXPORT void iscsi_init_transport(void) { }
#if STANDIN >= 1190
EXPORT void iscsi_set_initial_r2t(void);
EXPORT void iscsi_set_initial_r2t(void) { }
#endif
#if STANDIN >= 1200
EXPORT void iscsi_force_reconnect(void);
EXPORT void iscsi_force_reconnect(void) { }
#endif
#if STANDIN >= 1201
EXPORT void iscsi_mt_service_thread_start(void);
EXPORT void iscsi_mt_service_thread_start(void) { }
#endif
