#!/bin/sh
# guest: takes arguments that look like options of the init; prints each, and ends with 5
# expect: unknown, exit 5, by itself, 1 process, EW502
# expect: 1 sh: no signals; exit 5
for argument; do echo "argument $argument"; done
echo ready
exit 5
