#!/bin/sh
# guest: a script with set -e, which makes no difference, and the program without exec
# run: dash {self} {flushes-slowly}
# grace: 0.5
# never prints: told TERM
# expect: killed, exit 137, 2 processes, EW101
# expect: 1 script-sets-e: TERM from outside, discarded; killed by engine
# expect: 2 flushes-slowly: child of 1; never told; killed by namespace
set -e
"$@"
echo done
