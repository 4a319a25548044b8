#!/bin/sh
# guest: none at all: the trap ignores TERM before its kill 0, and waits
# run: dash {self} {flushes-slowly}
# prints: told TERM; flushed
# expect: well, exit 0, 2 processes
# expect: 1 script-kills-its-group-once: TERM from outside, handler; TERM from itself, ignored; exit 0
# expect: 2 flushes-slowly: TERM from 1, handler; exit 0; reaped by 1
trap 'trap "" TERM; kill 0; wait; exit 0' TERM
"$@" &
wait
