# guest: closes a pipe it was handed and waits for the end of the file, which never comes if the init keeps a copy
# prints: not handed on
# expect: unknown, exit 0, by itself, 1 process, EW502
# expect: 1 closes-its-spare-descriptors: no signals; exit 0
import os
import select

READ, WRITE = 8, 9
try:
    os.fstat(WRITE)
except OSError:
    os.write(1, b"not handed on\n")
else:
    os.close(WRITE)
    released = select.select([READ], [], [], 1.0)[0]
    os.write(1, b"released\n" if released else b"kept\n")
os.write(1, b"ready\n")
