#!/bin/sh
# caller: has closed its standard input
exec "$@" <&-
