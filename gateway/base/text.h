/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Text from hosts, back-ends and files on its way into lines for people and into JSON.
 * Layer: base. Knows libc only.
 */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

/**
 * text_make_safe() - one line of valid UTF-8, in place; never longer than before.
 * @s: tabs and line ends become blanks; other control characters (C1 too) and bytes that are no UTF-8 become '?'; a
 * sequence that the end of the text cuts off goes away.
 */
void text_make_safe(char *s);

#endif
