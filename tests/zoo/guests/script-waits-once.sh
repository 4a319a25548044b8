#!/bin/sh
# guest: a trap passes TERM on, but wait returns at once, so that the script ends and the program is cut
# run: dash {self} {needs-long}
# never prints: flushed
# expect: partial, exit 143, 2 processes, EW401 or EW402, EW501
# expect: 1 script-waits-once: TERM from outside, handler; exit 143
# expect: 2 needs-long: TERM from 1, handler or pending or too late; killed by namespace
trap 'kill "$program"' TERM
"$@" &
program=$!
wait "$program"
