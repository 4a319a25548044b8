#!/bin/sh
# guest: set -e ends the script at the interrupted wait: neither the program nor the script's own clean-up ends well
# run: dash {self} {needs-long}
# never prints: flushed; cleaned up
# expect: partial, exit 143, 2 processes, EW401 or EW402, EW501
# expect: 1 script-skips-its-clean-up: TERM from outside, handler; exit 143
# expect: 2 needs-long: TERM from 1, handler or pending or too late; killed by namespace
set -e
trap 'kill "$program"' TERM
"$@" &
program=$!
wait "$program"
wait "$program"
echo 'cleaned up'
