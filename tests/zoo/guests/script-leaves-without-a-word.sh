#!/bin/sh
# guest: a trap that leaves at once while the program works in the background and is told nothing
# run: dash {self} {flushes-slowly}
# prints: leaving
# never prints: told TERM
# expect: partial, exit 0, 2 processes, EW402, EW501
# expect: 1 script-leaves-without-a-word: TERM from outside, handler; exit 0
# expect: 2 flushes-slowly: never told; killed by namespace
trap 'echo leaving; exit 0' TERM
"$@" &
wait
