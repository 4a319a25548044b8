#!/bin/sh
# guest: a trap passes TERM on and exits 0 without waiting: the program is cut, and the status says that all is well
# run: dash {self} {needs-long}
# never prints: flushed
# expect: partial, exit 0, 2 processes, EW401 or EW402, EW501
# expect: 1 script-waits-once-and-exits-0: TERM from outside, handler; exit 0
# expect: 2 needs-long: TERM from 1, handler or pending or too late; killed by namespace
trap 'kill "$program"; exit 0' TERM
"$@" &
program=$!
wait "$program"
