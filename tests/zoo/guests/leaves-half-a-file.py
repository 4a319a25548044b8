# guest: has half a line in a file when it is killed, because nobody handles TERM
# grace: 0.5
# expect: killed, exit 137, 1 process, EW201, EW406
# expect: 1 leaves-half-a-file: TERM from outside, discarded; killed by engine
import os
import tempfile
import time

with tempfile.NamedTemporaryFile(buffering=0, prefix="export-", suffix=".csv") as file:
    file.write(b"a whole line\nhalf a li")
    os.write(1, b"ready\n")
    time.sleep(1000)
