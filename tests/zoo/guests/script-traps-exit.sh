#!/bin/sh
# guest: a trap for EXIT alone, which dash does not run for TERM
# run: dash {self} {flushes-slowly}
# grace: 0.5
# never prints: told TERM
# expect: killed, exit 137, 2 processes, EW101
# expect: 1 script-traps-exit: TERM from outside, discarded; killed by engine
# expect: 2 flushes-slowly: never told; killed by namespace
trap 'kill "$program"; wait "$program"' EXIT
"$@" &
program=$!
wait "$program"
