#!/bin/sh
# guest: a shell script whose trap waits until the foreground command has ended by itself
# grace: 0.5
# never prints: flushed
# expect: killed, exit 137, 2 processes, EW302
# expect: 1 traps-in-foreground: TERM from outside, handler; killed by engine
# expect: 2 sleep: never told; killed by namespace
trap 'echo flushed; exit 0' TERM
sh -c 'echo ready; exec sleep 1000'
echo 'the sleep has ended'
