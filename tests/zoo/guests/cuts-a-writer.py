# guest: leaves at once when told, while its worker is in the middle of a file
# expect: partial, exit 0, 2 processes, EW402, EW406, EW501
# expect: 1 cuts-a-writer: TERM from outside, sigwait; exit 0
# expect: 2 cuts-a-writer: never told; killed by namespace
import os
import signal
import tempfile

signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
if not os.fork():
    with tempfile.NamedTemporaryFile(buffering=0, prefix="export-", suffix=".csv") as file:
        file.write(b"a whole line\nhalf a li")
        os.write(1, b"ready\n")
        signal.sigwait({signal.SIGTERM})
        file.write(b"ne\n")
    os._exit(0)
signal.sigwait({signal.SIGTERM})
os._exit(0)
