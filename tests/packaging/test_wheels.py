"""The wheels of a release: what is in them, on which machines they run, and that they are always the same."""

import base64
import csv
import hashlib
import io
import os
import shutil
import subprocess
import tarfile
import zipfile
from pathlib import Path

import pytest
from packaging.tags import Tag
from packaging.utils import parse_wheel_filename

import hatch_build
from endwell import __version__
from tests.packaging.conftest import MACHINES, ROOT, SOURCES, build, built, copy_project, zig

BINARY = f"endwell-{__version__}.data/scripts/endwell-init"
RECORD = f"endwell-{__version__}.dist-info/RECORD"
E_MACHINE = {"x86_64": 62, "aarch64": 183}

machines = pytest.mark.parametrize("machine", MACHINES)
emulated = pytest.mark.skipif(shutil.which("qemu-aarch64") is None, reason="needs qemu-user")


@machines
def test_contains_the_binary_itself(machine: str, wheels: dict[str, Path]) -> None:
    with zipfile.ZipFile(wheels[machine]) as wheel:
        names = wheel.namelist()
        data = wheel.read(BINARY)
        mode = wheel.getinfo(BINARY).external_attr >> 16
        entry_points = wheel.read(f"endwell-{__version__}.dist-info/entry_points.txt").decode()
    assert data[:4] == b"\x7fELF"
    assert int.from_bytes(data[18:20], "little") == E_MACHINE[machine]
    assert mode & 0o777 == 0o755
    assert "endwell-init" not in entry_points, "no Python launcher: at run time there may be no Python"
    assert [name for name in names if ".data/" in name] == [BINARY]
    assert "endwell/py.typed" in names
    assert f"endwell-{__version__}.dist-info/licenses/LICENSE" in names
    assert not [name for name in names if name.endswith((".c", ".h", "hatch_build.py"))]


def test_keeps_its_budget_of_40_kilobytes(wheels: dict[str, Path]) -> None:
    with zipfile.ZipFile(wheels["x86_64"]) as wheel:
        assert wheel.getinfo(BINARY).file_size <= 40 * 1024


@machines
def test_is_for_every_libc_and_every_python(machine: str, wheels: dict[str, Path]) -> None:
    name, version, _, tags = parse_wheel_filename(wheels[machine].name)
    assert (name, str(version)) == ("endwell", __version__)
    for platform in ("manylinux2014", "manylinux_2_17", "musllinux_1_1"):
        assert Tag("py3", "none", f"{platform}_{machine}") in tags
    with zipfile.ZipFile(wheels[machine]) as wheel:
        metadata = wheel.read(f"endwell-{__version__}.dist-info/WHEEL").decode().splitlines()
    assert {line.removeprefix("Tag: ") for line in metadata if line.startswith("Tag: ")} == set(
        map(str, tags)
    )
    assert "Root-Is-Purelib: false" in metadata


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, for chroot")
@pytest.mark.root
def test_runs_where_there_is_nothing_else(wheels: dict[str, Path], tmp_path: Path) -> None:
    """In an image `FROM scratch`: no libc, no loader, no /proc."""
    with zipfile.ZipFile(wheels["x86_64"]) as wheel:
        (tmp_path / "endwell-init").write_bytes(wheel.read(BINARY))
    (tmp_path / "endwell-init").chmod(0o755)
    command = ["chroot", str(tmp_path), "/endwell-init", "--", "/endwell-init", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, f"endwell-init {__version__}\n"), done


@machines
def test_record_is_right(machine: str, wheels: dict[str, Path]) -> None:
    with zipfile.ZipFile(wheels[machine]) as wheel:
        rows = list(csv.reader(io.StringIO(wheel.read(RECORD).decode())))
        assert sorted(row[0] for row in rows) == sorted(wheel.namelist())
        for name, digest, size in rows:
            if name != RECORD:
                data = wheel.read(name)
                want = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
                assert (digest, int(size)) == (f"sha256={want}", len(data))


@machines
def test_same_bytes_from_another_place_at_another_time(
    machine: str, wheels: dict[str, Path], tmp_path: Path
) -> None:
    other = copy_project(tmp_path / "somewhere else" / "project")
    for path in other.rglob("*"):
        os.utime(path, (1_000_000_000, 1_000_000_000))
    surroundings = zig(machine) | {"TZ": "Pacific/Auckland", "LC_ALL": "C", "TMPDIR": str(tmp_path)}
    again = built(other, tmp_path / "dist", environment=surroundings)
    assert again.name == wheels[machine].name
    assert again.read_bytes() == wheels[machine].read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dist", "somewhere else"], "something is left"


def test_source_distribution_builds_the_same_wheel(wheels: dict[str, Path], tmp_path: Path) -> None:
    project = copy_project(tmp_path / "project")
    with tarfile.open(built(project, tmp_path / "sdist", "sdist")) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
        archive.extractall(tmp_path / "unpacked", filter="data")
    assert {name for name in names if "/" not in name} == {"PKG-INFO", *SOURCES} - {"csrc", "src"}
    assert {path.name for path in (project / "csrc").iterdir()} == {
        name.removeprefix("csrc/") for name in names if name.startswith("csrc/")
    }
    unpacked = tmp_path / "unpacked" / f"endwell-{__version__}"
    again = built(unpacked, tmp_path / "dist", environment=zig("x86_64"))
    assert again.read_bytes() == wheels["x86_64"].read_bytes()


@pytest.fixture(scope="session")
def aarch64(wheels: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The binary of the aarch64 wheel."""
    folder = tmp_path_factory.mktemp("aarch64")
    with zipfile.ZipFile(wheels["aarch64"]) as wheel:
        binary = Path(wheel.extract(BINARY, folder))
    binary.chmod(0o755)
    return binary


@emulated
@pytest.mark.parametrize(
    ("words", "status", "out", "err"),
    [
        (["--version"], 0, f"endwell-init {__version__}\n", ""),
        (["--help"], 0, "--grace", ""),
        (["--fly"], 125, "", "--fly"),
        (["--grace", "soon", "true"], 125, "", "soon"),
        (["--", "sh", "-c", "echo hello; exit 3"], 3, "hello\n", ""),
        (["--", "sh", "-c", "kill -TERM $$"], 143, "", ""),
        (["--", "/nowhere/to/be/found"], 127, "", "/nowhere/to/be/found"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_runs_on_aarch64(aarch64: Path, words: list[str], status: int, out: str, err: str) -> None:
    done = subprocess.run(
        ["qemu-aarch64", str(aarch64), *words], capture_output=True, text=True, check=False, timeout=30
    )
    assert (done.returncode, out in done.stdout, err in done.stderr) == (status, True, True), done
    assert not done.stdout or out
    assert not done.stderr or err


def test_other_machines_are_refused(project: Path, tmp_path: Path) -> None:
    done = build(project, tmp_path, environment={"ENDWELL_TARGET": "vax"})
    assert done.returncode != 0
    assert done.stderr == (
        "cannot build endwell-init for 'vax': it is written for x86_64 and aarch64; "
        "set ENDWELL_TARGET to one\n"
    )


@pytest.mark.parametrize(
    ("machine", "surroundings"),
    [
        ("x86_64", {"CC": "gcc"}),
        ("x86_64", {"ENDWELL_ZIG": "1"}),
        ("aarch64", {"ENDWELL_ZIG": "1"}),
    ],
    ids=["gcc", "zig", "zig for aarch64"],
)
def test_compiles_without_a_warning(
    machine: str, surroundings: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A user's compiler may warn; those that we build with may not, on any machine."""
    monkeypatch.setattr(hatch_build, "FLAGS", tuple(set(hatch_build.FLAGS) - {"-Wno-error"}))
    monkeypatch.delenv("CC", raising=False)
    for name, value in surroundings.items():
        monkeypatch.setenv(name, value)
    hatch_build.compile_init(ROOT, tmp_path / "endwell-init", machine=machine, version="0")
