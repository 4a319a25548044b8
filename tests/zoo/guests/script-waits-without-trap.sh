#!/bin/sh
# guest: the program in the background, a wait, and no trap
# run: dash {self} {flushes-slowly}
# grace: 0.5
# never prints: told TERM
# expect: killed, exit 137, 2 processes, EW101
# expect: 1 script-waits-without-trap: TERM from outside, discarded; killed by engine
# expect: 2 flushes-slowly: never told; killed by namespace
"$@" &
wait
