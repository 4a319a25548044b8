#!/bin/sh
# guest: exec in front of a pipe: the exec is that of a subshell, the script stays PID 1
# run: dash {self} {flushes-slowly}
# grace: 0.5
# never prints: told TERM
# expect: killed, exit 137, 3 processes, EW101
# expect: 1 script-pipes-into-tee: TERM from outside, discarded; killed by engine
# expect: flushes-slowly: child of 1; never told; killed by namespace
# expect: tee: child of 1; never told; killed by namespace
exec "$@" | tee /dev/null
