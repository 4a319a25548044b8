#!/bin/sh
# guest: a trap '' for TERM, which the program that is exec'ed inherits
# run: dash {self} {no-handler}
# grace: 0.5
# expect: killed, exit 137, 1 process, EW202
# expect: 1 no-handler: TERM from outside, ignored; killed by engine
trap '' TERM
exec "$@"
