#!/bin/sh
# guest: a script whose last line is the program without exec
# run: dash {self} {flushes-slowly}
# grace: 0.5
# never prints: told TERM
# expect: killed, exit 137, 2 processes, EW101
# expect: 1 script-ends-with-the-program: TERM from outside, discarded; killed by engine
# expect: 2 flushes-slowly: child of 1; never told; killed by namespace
MODE=production
export MODE
"$@"
