#!/bin/sh
# guest: asks for the container's end from inside, with kill 1
# grace: 0.5
# expect: killed, exit 137, EW101
# expect: 1 kills-init: TERM from itself, discarded; TERM from outside, discarded; killed by engine
# expect: sleep: child of 1; never told; killed by namespace
kill -TERM 1
while :; do sh -c 'echo ready; exec sleep 1000'; done
