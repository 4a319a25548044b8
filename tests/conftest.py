"""What every test shares: the hypothesis profiles."""

import os

from hypothesis import HealthCheck, settings

from endwell.system import libc

# `make` starts us with 32 and 33 ignored (posix_spawn of glibc); what we start is to be as anywhere else.
for number in (32, 33):
    libc.reset_disposition(number)

# CI runs the same examples every time, on machines that are slow at times: red must mean a wrong program.
settings.register_profile("ci", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("dev", deadline=None)
settings.load_profile("ci" if os.environ.get("CI") else "dev")
