#!/bin/sh
# guest: a trap in double quotes: its variable was empty when it was read, so nobody is told
# run: dash {self} {flushes-slowly}
# never prints: told TERM
# expect: partial, exit 143, 2 processes, EW402, EW501
# expect: 1 script-expands-too-early: TERM from outside, handler
# expect: 2 flushes-slowly: never told; killed by namespace
trap "kill $program" TERM
"$@" &
program=$!
wait "$program"
