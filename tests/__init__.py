"""What must hold, and the programs that show it."""

from endwell.system import libc

# `make` starts us with 32 and 33 ignored (posix_spawn of glibc); what we start is to be as anywhere else.
for number in (32, 33):
    libc.reset_disposition(number)
