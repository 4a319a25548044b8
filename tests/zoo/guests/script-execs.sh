#!/bin/sh
# guest: none at all: an entrypoint that sets up and then execs the program
# run: dash {self} {flushes-slowly}
# prints: told TERM; flushed
# expect: well, exit 0, 1 process
# expect: 1 flushes-slowly: TERM from outside, handler; exit 0
MODE=production
export MODE
exec "$@"
