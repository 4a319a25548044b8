# caller: hands a pipe on as descriptors 8 and 9
import os
import sys

for descriptor, number in zip(os.pipe(), (8, 9), strict=True):
    os.dup2(descriptor, number)
os.execv(sys.argv[1], sys.argv[1:])
