#!/bin/sh
# guest: kill 0 in a trap for TERM: the shell signals itself without end and dies of it
# run: dash {self} {needs-long} 4
# grace: 5
# never prints: flushed
# not under: seccomp; it holds every kill for a moment, and the shell never gets into the recursion
# expect: partial or unknown, exit 139, 2 processes, EW407, EW401, perhaps EW901
# expect: 1 script-kills-its-group: TERM from outside, handler; TERM from itself, handler or merged; ...; dies of SEGV
# expect: 2 needs-long: TERM from 1, handler; ...; killed by namespace
trap 'kill 0' TERM
"$@" &
wait
