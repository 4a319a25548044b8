#!/bin/sh
# caller: ignores HUP and INT, as nohup does
trap '' HUP INT
exec "$@"
