#!/bin/sh
# caller: has closed standard input, output and error
exec "$@" <&- >&- 2>&-
