#!/bin/sh
# guest: starts a daemon, then exec tail -f as main process: TERM goes to the tail, which has no handler
# run: dash {self} {daemonizes}
# grace: 0.5
# never prints: told TERM
# expect: killed, exit 137, EW201, EW404
# expect: 1 tail: TERM from outside, discarded; killed by engine
# expect: daemonizes: adopted by 1; child of 3; never told; killed by namespace
"$@"
exec tail -f /dev/null
