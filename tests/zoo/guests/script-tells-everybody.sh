#!/bin/sh
# guest: none at all: the trap signals everybody but itself with kill -1, and waits
# run: dash {self} {flushes-slowly}
# prints: told TERM; flushed
# expect: well, exit 0, 2 processes
# expect: 1 script-tells-everybody: TERM from outside, handler; exit 0
# expect: 2 flushes-slowly: TERM from 1, handler; exit 0; reaped by 1
trap 'kill -TERM -1; wait; exit 0' TERM
"$@" &
wait
