#!/bin/sh
# guest: none at all: a function as trap passes TERM on, waits and leaves with the program's status
# run: dash {self} {handles-term}
# prints: told TERM; flushed
# expect: well, exit 7, 2 processes, EW504
# expect: 1 script-waits-in-its-trap: TERM from outside, handler; exit 7
# expect: 2 handles-term: TERM from 1, handler; exit 7; reaped by 1
leave() {
    kill "$program"
    wait "$program"
    exit $?
}
trap leave TERM
"$@" &
program=$!
wait "$program"
