#!/bin/sh
# guest: a second service in the background, then exec of the main one: the second is never told
# run: dash {self} {flushes-slowly}
# prints: told TERM; flushed
# expect: partial, exit 0, 2 processes, EW402, EW501
# expect: 1 flushes-slowly: TERM from outside, handler; exit 0
# expect: 2 flushes-slowly: child of 1; never told; killed by namespace
"$@" >/dev/null &
exec "$@"
