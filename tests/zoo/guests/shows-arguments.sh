#!/bin/sh
# guest: takes arguments that look like options of the init; prints each, and ends with 5
for argument; do echo "argument $argument"; done
echo ready
exit 5
