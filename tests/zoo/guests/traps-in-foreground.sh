#!/bin/sh
# guest: a shell script whose trap waits until the foreground command has ended by itself
trap 'echo flushed; exit 0' TERM
sh -c 'echo ready; exec sleep 1000'
echo 'the sleep has ended'
