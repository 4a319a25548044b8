#!/bin/sh
# guest: two services of which the trap tells one
# run: dash {self} {flushes-slowly}
# prints: told TERM; flushed
# expect: partial, exit 0, 3 processes, EW402, EW501
# expect: 1 script-forgets-one: TERM from outside, handler; exit 0
# expect: 2 flushes-slowly: never told; killed by namespace
# expect: 3 flushes-slowly: TERM from 1, handler; exit 0; reaped by 1
trap 'kill "$program"; wait "$program"; exit 0' TERM
"$@" >/dev/null &
"$@" &
program=$!
wait
