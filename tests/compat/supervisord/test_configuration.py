"""The real supervisord's reader and ours read the same, or both refuse."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, example, given, settings, strategies as st

from endwell.parse.supervisord import ConfigurationError
from tests.compat.conftest import missing
from tests.compat.supervisord.cases_configuration import CASES, Case
from tests.compat.supervisord.generated import configurations, texts
from tests.compat.supervisord.reader import PACKAGES, PYTHON, Real, ours

if TYPE_CHECKING:
    from collections.abc import Iterator

REALISTIC = sorted((Path(__file__).parent / "realistic").glob("*.conf"))
LINE = re.compile(r"\S+:[1-9][0-9]*: \S.*")


@pytest.fixture(scope="module")
def real() -> Iterator[Real]:
    if not (Path(PACKAGES) / "supervisor").is_dir() or not Path(PYTHON).exists():
        missing("supervisord is not installed: `apt-get install supervisor`")
    with Real() as reader:
        yield reader


def write(case: Case, folder: Path) -> str:
    for name, text in case.files.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(text.encode())
    return next(iter(case.files))


def check(real: Real, case: Case, folder: Path) -> bool:
    """Hold the two readers against each other; return whether they accept the file."""
    main = write(case, folder)
    theirs = real.read(main, folder, case.environment, client=case.client)
    if theirs is None:
        with pytest.raises(ConfigurationError) as error:
            ours(main, folder, case.environment, client=case.client)
        for line in str(error.value).splitlines():
            assert LINE.fullmatch(line), line
        return False
    assert ours(main, folder, case.environment, client=case.client) == theirs
    return True


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_reads_what_supervisord_reads(
    real: Real, case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", case.environment["HOME"])
    assert check(real, case, tmp_path) is not case.refused


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=configurations | texts, more=st.none() | configurations)
@example(text="[supervisord]\nenvironment=A=1\n", more=None)
def test_reads_what_supervisord_reads_of_anything(
    real: Real, text: str, more: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/root")
    include = "" if more is None else "[include]\nfiles=d/more.conf\n"
    files = {"supervisord.conf": text + include, "d/more.conf": more or ""}
    check(real, Case("", files, environment={"HOME": "/root", "N": "2", "T": "yes"}), tmp_path)


@pytest.mark.parametrize("path", REALISTIC, ids=lambda path: path.name)
def test_reads_real_life(real: Real, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    environment = {"HOME": "/root", "PATH": "/usr/bin:/bin", "PORT": "8080", "WORKERS": "3"}
    monkeypatch.setenv("HOME", "/root")
    case = Case(path.name, {"supervisord.conf": path.read_text()}, environment=environment)
    assert check(real, case, tmp_path)


def test_every_case_has_a_name_of_its_own() -> None:
    names = [case.name for case in CASES]
    assert sorted(set(names)) == sorted(names)
    assert len(REALISTIC) >= 10  # a folder that is not found has no files
