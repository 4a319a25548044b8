#!/bin/sh
# guest: ends with 3 before it is ready
# ready: ends
# prints: no configuration
# expect: unknown, exit 3, by itself, 1 process, EW502
# expect: 1 sh: exit 3
echo 'no configuration'
exit 3
