# caller: is root without the right to signal other users' processes (CAP_KILL)
import ctypes
import os
import sys

PR_CAPBSET_DROP, CAP_KILL = 24, 5
if ctypes.CDLL(None, use_errno=True).prctl(PR_CAPBSET_DROP, CAP_KILL, 0, 0, 0):
    sys.exit("cannot drop CAP_KILL: " + os.strerror(ctypes.get_errno()))
os.execv(sys.argv[1], sys.argv[1:])
