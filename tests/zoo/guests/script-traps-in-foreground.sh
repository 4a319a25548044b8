#!/bin/sh
# guest: a trap that would leave, and the program in the foreground: the trap waits until that has ended by itself
# run: dash {self} {flushes-slowly}
# grace: 0.5
# never prints: leaving; told TERM
# expect: killed, exit 137, 2 processes, EW302
# expect: 1 script-traps-in-foreground: TERM from outside, handler; killed by engine
# expect: 2 flushes-slowly: never told; killed by namespace
trap 'echo leaving; exit 0' TERM
"$@"
