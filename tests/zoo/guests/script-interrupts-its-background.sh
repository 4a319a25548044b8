#!/bin/sh
# guest: passes INT on to a background program, which ignores INT because a shell without job control started it
# run: dash {self} {no-handler}
# signal: INT
# grace: 0.5
# expect: killed, exit 137, 2 processes, EW202
# expect: 1 script-interrupts-its-background: INT from outside, handler; killed by engine
# expect: 2 no-handler: INT from 1, ignored; killed by namespace
trap 'kill -INT "$program"; wait "$program"' INT
"$@" &
program=$!
wait "$program"
