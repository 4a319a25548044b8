#!/bin/sh
# guest: its child kills PID 1 with signal 9 from inside, which the kernel discards
# prints: in vain; leaving
# expect: partial, exit 0, 3 processes, EW402, perhaps EW501
# expect: 1 kills-init-hard: KILL from 2, discarded; TERM from outside, handler; exit 0
# expect: 2: exit 0; reaped by 1
# expect: 3: never told; killed by namespace
trap 'echo leaving; exit 0' TERM
(
    kill -9 1
    echo 'in vain'
)
while :; do
    sh -c 'echo ready; exec sleep 1000' &
    wait
done
