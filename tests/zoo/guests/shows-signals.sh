#!/bin/sh
# guest: none at all: a witness that prints which signals it found blocked and ignored, and ends
while read -r name value; do
    case $name in
    SigBlk:) echo "blocked $value" ;;
    SigIgn:) echo "ignored $value" ;;
    esac
done </proc/self/status
echo ready
