"""What every test shares: the hypothesis profiles, and that nothing is skipped where nobody would see it."""

import os
import signal
from collections.abc import Generator

import pytest
from hypothesis import HealthCheck, settings

# CI runs the same examples every time, on machines that are slow at times: red must mean a wrong program.
settings.register_profile("ci", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("dev", deadline=None)
settings.load_profile("ci" if os.environ.get("CI") else "dev")

# A shell without job control has SIGINT and SIGQUIT ignored in what it runs in the background. Every child
# would inherit that, and a test that sends them would wait for ever.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
for number in (signal.SIGQUIT, signal.SIGHUP):  # nohup ignores the second
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, signal.SIG_DFL)


# Supervisors of tests that want no clients do not fight for the usual place of the socket.
os.environ["ENDWELL_SOCKET"] = "none"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a skip into a failure in CI, unless the test says that it depends on the machine (`may_skip`)."""
    report = yield
    if report.skipped and os.environ.get("CI") and not item.get_closest_marker("may_skip"):
        report.outcome = "failed"
        report.longrepr = f"skipped in CI, where everything has to run: {report.longrepr}"
    return report
