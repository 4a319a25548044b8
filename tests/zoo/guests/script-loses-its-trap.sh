#!/bin/sh
# guest: a trap with clean-up and then exec: the program ends well, the clean-up never runs
# run: dash {self} {flushes-slowly}
# prints: told TERM; flushed
# never prints: cleaned up
# expect: well, exit 0, 1 process
# expect: 1 flushes-slowly: TERM from outside, handler; exit 0
trap 'echo cleaned up' TERM EXIT
exec "$@"
