#!/bin/sh
# guest: none at all: a trap passes TERM on, and a second wait is there for the program
# run: dash {self} {flushes-slowly}
# prints: told TERM; flushed
# expect: well, exit 0, 2 processes
# expect: 1 script-waits-twice: TERM from outside, handler; exit 0
# expect: 2 flushes-slowly: TERM from 1, handler; exit 0; reaped by 1
trap 'kill "$program"' TERM
"$@" &
program=$!
wait "$program"
wait "$program"
