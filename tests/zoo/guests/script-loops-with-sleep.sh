#!/bin/sh
# guest: a trap and a loop around a short sleep: the trap waits for the sleep that runs just then
# prints: leaving
# expect: well, exit 0, perhaps EW302
# expect: 1 script-loops-with-sleep: TERM from outside, handler; exit 0
# expect: some sleep: never told; exit 0; reaped by 1
trap 'echo leaving; exit 0' TERM
while :; do sh -c 'echo ready; exec sleep 0.4'; done
