#!/bin/sh
# guest: none at all: a witness that prints which signals it found blocked and ignored, and ends
# prints: blocked 0000000000000000; ignored 0000000000000000
# expect: unknown, exit 0, by itself, 1 process, EW502
# expect: 1 sh: no signals; exit 0
while read -r name value; do
    case $name in
    SigBlk:) echo "blocked $value" ;;
    SigIgn:) echo "ignored $value" ;;
    esac
done </proc/self/status
echo ready
