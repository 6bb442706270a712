/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * `srpgwd --check`: everything that starting would find out about a configuration, without hosts, network or devices.
 * Layer: control.
 */
#ifndef CONTROL_CHECK_H
#define CONTROL_CHECK_H

#include "listeners.h"

/**
 * check_config() - read a file, open its back-ends (no bridge waits for the network there), and close them again.
 * @json: print {"ok", "problems"} instead of text.
 * Prints "FILE: ok" and a summary with the names that back-ends will see, or one line for each problem.
 * Return: 0 when the file is good, else -errno.
 */
int check_config(const char *file, const struct fabric_kind *kinds, const char *bridge_dir, bool json,
		 FILE *out) WARN_UNUSED;

#endif
