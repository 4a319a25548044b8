#!/bin/sh
# guest: a trap for SIGTERM, a name dash does not know: there is no trap
# run: dash {self} {flushes-slowly}
# grace: 0.5
# never prints: told TERM
# expect: killed, exit 137, 2 processes, EW101
# expect: 1 script-says-sigterm: TERM from outside, discarded; killed by engine
# expect: 2 flushes-slowly: never told; killed by namespace
trap 'kill "$program"; wait "$program"; exit' SIGTERM
"$@" &
program=$!
wait "$program"
