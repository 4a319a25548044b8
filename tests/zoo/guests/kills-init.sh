#!/bin/sh
# guest: asks for the container's end from inside, with kill 1
echo ready
kill -TERM 1
while :; do sleep 1000; done
