"""Fork in a process that may have other threads: the child only prepares, in code that takes no lock.

`os.fork` puts libc's and Python's own locks in order. What it does not know are the locks of a tracer, such
as coverage's or a debugger's: another thread may hold one, and then the child would wait for it for ever,
before its exec. So the child has no tracer.
"""

from __future__ import annotations

import os
import sys
import warnings


def fork() -> int:
    """Return 0 in the child, and its number in the caller; OSError when there may be no more processes."""
    tracer = sys.gettrace()
    sys.settrace(None)
    in_child = False
    try:
        with warnings.catch_warnings():
            # Python 3.12 warns of other threads.
            warnings.simplefilter("ignore", DeprecationWarning)
            pid = os.fork()
            in_child = not pid
        return pid
    finally:
        if not in_child:
            sys.settrace(tracer)
