#!/bin/sh
# guest: a loop that starts the program again whenever it ends, and no trap
# run: dash {self} {flushes-slowly}
# grace: 0.5
# never prints: told TERM
# expect: killed, exit 137, 2 processes, EW101
# expect: 1 script-restarts-its-program: TERM from outside, discarded; killed by engine
# expect: 2 flushes-slowly: never told; killed by namespace
while :; do "$@"; done
