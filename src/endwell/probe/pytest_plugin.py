"""A fixture for other projects' tests: this container ends well, in time, and loses no request.

    def test_the_image_ends_well(endwell_probe):
        stopped = endwell_probe(image="app:1", ready="tcp:8080", http="http://127.0.0.1:8080/")
        stopped.assert_ends_well(within=5.0)

Installed with endwell: pytest finds it by itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import pytest

from endwell.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from endwell.model.report import Report


@dataclass(frozen=True, slots=True)
class Stopped:
    """A container that was stopped, and what is said about it."""

    report: Report

    def assert_ends_well(
        self, *, within: float | None = None, allow: Collection[str] = (), warnings: bool = True
    ) -> None:
        """Fail the test, with the whole report, unless the container ended well.

        Args:
            within: seconds it may take at most, however long its grace is.
            allow: codes of rules whose findings do not count, as in `{"EW402"}`.
            warnings: whether findings that are only warnings are let through.
        """
        __tracebackhide__ = True
        wrong = self.complaints(within=within, allow=allow, warnings=warnings)
        if wrong:
            pytest.fail(f"{'; '.join(wrong)}\n\n{self}", pytrace=False)

    def complaints(
        self, *, within: float | None = None, allow: Collection[str] = (), warnings: bool = True
    ) -> list[str]:
        """Return what `assert_ends_well` would say, a phrase each; nothing when all is well."""
        from endwell.model.finding import Severity, Verdict  # noqa: PLC0415  pytest loads us always

        report = self.report
        codes = sorted(
            {
                one.rule
                for one in report.findings
                if one.rule not in allow and not (warnings and one.severity is Severity.WARNING)
            }
        )
        wrong = [f"it {report.verdict.value}: {', '.join(codes)}"] if codes else []
        if report.verdict is Verdict.UNKNOWN and not wrong:
            wrong.append("nobody can tell whether it ends well")
        took = report.timeline.stop.took
        if within is not None and took > within:
            wrong.append(f"it took {took:.3g} s to stop, more than {within:g} s")
        return wrong

    def __str__(self) -> str:
        from endwell import render  # noqa: PLC0415  likewise

        return render.render("text", self.report)


class Prober(Protocol):
    """What the fixture is: call it with a command, an image or the name of a running container."""

    def __call__(  # noqa: PLR0913  the options of `endwell probe`
        self,
        *command: str,
        image: str | None = None,
        container: str | None = None,
        engine: str | None = None,
        init: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
        directory: str | None = None,
        user: str | None = None,
        network: str | None = None,
        ready: str = "",
        ready_timeout: float = 30.0,
        after: float = 0.0,
        signal: str | None = None,
        grace: float | None = None,
        http: str | None = None,
        executions: Sequence[str] = (),
        observer: str = "auto",
    ) -> Stopped:
        """Stop it for real; times are in seconds. See `endwell probe --help`."""
        ...


def stop(  # noqa: PLR0913
    *command: str,
    image: str | None = None,
    container: str | None = None,
    engine: str | None = None,
    init: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
    directory: str | None = None,
    user: str | None = None,
    network: str | None = None,
    ready: str = "",
    ready_timeout: float = 30.0,
    after: float = 0.0,
    signal: str | None = None,
    grace: float | None = None,
    http: str | None = None,
    executions: Sequence[str] = (),
    observer: str = "auto",
) -> Stopped:
    """Probe once; the errors are those of `endwell.probe.run.probe`."""
    from endwell.model.signals import Signal  # noqa: PLC0415  likewise
    from endwell.model.spec import ContainerSpec  # noqa: PLC0415
    from endwell.probe.load.options import LoadOptions, http_target  # noqa: PLC0415
    from endwell.probe.plan import Execution, Plan  # noqa: PLC0415
    from endwell.probe.run import probe  # noqa: PLC0415

    if not (command or image or container):
        raise ValueError("nothing to stop: give a command, an image or the name of a container")
    spec = ContainerSpec(
        command=command,
        image=image or "",
        init=tuple(init),
        environment=dict(environment or {}),
        directory=directory,
        user=user,
        network=network,
    )
    plan = Plan(
        spec=spec,
        engine=engine or ("docker" if image or container else "local"),
        container=container,
        observer=observer,
        ready=ready,
        ready_timeout=ready_timeout,
        after=after,
        signal=Signal.parse(signal) if signal else None,
        grace=grace,
        executions=tuple(Execution.parse(text) for text in executions),
        load=LoadOptions(target=http_target(http)) if http else None,
    )
    return Stopped(probe(plan))


@pytest.fixture(scope="session")
def endwell_probe() -> Prober:
    """Stop a container for real: call it, then `assert_ends_well` on what it returns."""
    return stop
