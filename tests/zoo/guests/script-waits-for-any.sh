#!/bin/bash
# guest: two services, wait -n without a trap, the recipe for a container that ends with the first of them
# run: bash {self} {flushes-slowly}
# grace: 0.5
# never prints: told TERM
# expect: killed, exit 137, 3 processes, EW101
# expect: 1 script-waits-for-any: TERM from outside, discarded; killed by engine
# expect: 2 x flushes-slowly: never told; killed by namespace
"$@" &
"$@" &
wait -n
exit $?
