"""endwell.parse.project: which file, and what kind of file it is."""

from __future__ import annotations

import pytest

from endwell.model.place import Place
from endwell.parse.problems import ConfigurationError
from endwell.parse.project import SEARCH_PATH, Format, find_project, format_of, read_project
from tests.unit.parse.supervisord.files import surroundings

FILES = {
    "endwell.toml": '[services.web]\ncommand = "x $A"\n',
    "/etc/supervisord.conf": "[supervisord]\n[program:web]\ncommand=x\nwhat=y\n",
    "Procfile": "web: x\n",
}


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("endwell.toml", Format.ENDWELL),
        ("a/b.toml", Format.ENDWELL),
        ("Procfile", Format.PROCFILE),
        ("a/Procfile.dev", Format.PROCFILE),
        ("supervisord.conf", Format.SUPERVISORD),
        ("Procfile.d/x.ini", Format.SUPERVISORD),
    ],
)
def test_the_name_says_what_it_is(path: str, kind: Format) -> None:
    assert format_of(path) is kind


def test_the_nearest_file_is_found() -> None:
    assert find_project(lambda _: True) == "endwell.toml"
    assert find_project(lambda path: path in {"/etc/supervisord.conf", "Procfile"}) == "Procfile"
    assert find_project(lambda _: False) is None
    assert {format_of(path) for path in SEARCH_PATH} == set(Format)


@pytest.mark.parametrize(
    ("path", "kind", "line", "warnings"),
    [
        ("endwell.toml", Format.ENDWELL, 1, 1),
        ("/etc/supervisord.conf", Format.SUPERVISORD, 2, 1),
        ("Procfile", Format.PROCFILE, 1, 0),
    ],
)
def test_every_format_is_read(path: str, kind: Format, line: int, warnings: int) -> None:
    found = read_project(path, surroundings(FILES))
    assert (found.path, found.format, found.files) == (path, kind, (path,))
    assert [spec.name for spec in found.project.services] == ["web"]
    assert found.places["web"] == Place(path, line)
    assert len(found.warnings) == warnings
    assert (found.supervisord is not None) is (kind is Format.SUPERVISORD)
    assert str(found.problem("web", "x")) == f"{path}:{line}: x"
    assert str(found.problem("nobody", "x")) == f"{path}:1: x"


@pytest.mark.parametrize("path", ["x.toml", "x.conf", "Procfile.x"])
def test_no_file(path: str) -> None:
    with pytest.raises(
        ConfigurationError, match=rf"^{path}:1: cannot read the file: No such file or directory; "
    ):
        read_project(path, surroundings({}))
