"""Compresses log files that were put aside, in a thread that is there only while there is work.

zlib gives the interpreter's lock up, so the loop goes on at full speed meanwhile. Files may be renamed while
one of them is being compressed, so renaming is done here too, under the lock that guards their names.
"""

# pathlib brings urllib along, which has no place in PID 1.
# ruff: noqa: PTH104, PTH108, PTH122, PTH123

from __future__ import annotations

import _thread
import contextlib
import os
from typing import TYPE_CHECKING

from endwell.machine.rotation import COMPRESSED, Rename, put_aside

if TYPE_CHECKING:
    from collections.abc import Iterable
    from io import FileIO

    from endwell.machine.rotation import Remove

PART = ".compressing"
_PIECE = 256 * 1024
_NICE = 10


class Compressor:
    """One for all log files, one file at a time; `failure` is what went wrong last: take it."""

    def __init__(self) -> None:
        self.failure = ""
        self._lock = _thread.allocate_lock()
        self._wanted: list[str] = []
        self._source: str | None = None
        self._part: str | None = None
        self._running = False
        self._stopping = False

    @property
    def busy(self) -> bool:
        """Whether something is being compressed."""
        return self._running

    def put_aside(self, path: str, keep: int) -> None:
        """Make the name of a log file free; see `machine.rotation.put_aside`.

        Raises:
            OSError: a file cannot be renamed; those after it are not.
        """
        backups = (f"{path}.{number}{ending}" for number in range(1, keep + 1) for ending in ("", COMPRESSED))
        with self._lock:
            # Looked for under the lock: a name that changes in between would be overwritten.
            for step in put_aside(path, {name for name in backups if os.path.lexists(name)}, keep):
                self._take(step)

    def _take(self, step: Rename | Remove) -> None:
        old, new = (step.old, step.new) if isinstance(step, Rename) else (step.name, None)
        with contextlib.suppress(FileNotFoundError):
            if new is None:
                os.unlink(old)
            else:
                os.rename(old, new)
        if self._source == old:
            self._source = new
        self._wanted = [name for one in self._wanted if (name := new if one == old else one)]

    def compress(self, names: Iterable[str]) -> None:
        """Have these compressed, unless that is asked for already; no more than that is promised."""
        with self._lock:
            self._wanted += [name for name in names if name not in (*self._wanted, self._source)]
            if self._running or not self._wanted or self._stopping:
                return
            self._running = True
        try:
            _thread.start_new_thread(self._run, ())
        except RuntimeError as error:
            self._running = False
            self.failure = str(error)

    def close(self) -> None:
        """Leave the rest as it is: what is half done is removed."""
        with self._lock:
            self._stopping = True
            self._wanted.clear()
            self._source = None
            if self._part is not None:
                with contextlib.suppress(OSError):
                    os.unlink(self._part)

    def _run(self) -> None:
        with contextlib.suppress(OSError):
            # To Linux a thread is a process with a niceness of its own.
            os.setpriority(os.PRIO_PROCESS, _thread.get_native_id(), _NICE)
        while (taken := self._next()) is not None:
            source, part = taken
            try:
                with source:
                    self._pack(source, part)
            except Exception as error:  # noqa: BLE001  a thread that died of it would never compress again
                self.failure = f"cannot compress {source.name!s}: {error}"
                with contextlib.suppress(OSError):
                    os.unlink(part)
            with self._lock:
                self._source = self._part = None

    def _next(self) -> tuple[FileIO, str] | None:
        with self._lock:
            while self._wanted and not self._stopping:
                self._source = name = self._wanted.pop(0)
                self._part = part = os.path.splitext(name)[0] + PART
                # Opened under the lock: a moment later another file may have this name.
                try:
                    return open(name, "rb", buffering=0), part
                except FileNotFoundError:
                    pass  # somebody has tidied up
                except OSError as error:
                    self.failure = f"cannot compress {name}: {error.strerror}"
            self._source = self._part = None
            self._running = False
            return None

    def _pack(self, plain: FileIO, part: str) -> None:
        import zlib  # noqa: PLC0415  needed only while something is compressed

        packer = zlib.compressobj(wbits=31)
        with open(part, "wb") as packed:
            while piece := plain.read(_PIECE):
                if self._source is None:
                    break
                packed.write(packer.compress(piece))
            packed.write(packer.flush())
            status = os.fstat(plain.fileno())
            os.fchmod(packed.fileno(), status.st_mode & 0o777)
            with contextlib.suppress(OSError):
                os.fchown(packed.fileno(), status.st_uid, status.st_gid)
        os.utime(part, ns=(status.st_atime_ns, status.st_mtime_ns))
        with self._lock:
            if self._source is None:
                with contextlib.suppress(OSError):
                    os.unlink(part)
            else:
                os.rename(part, self._source + COMPRESSED)
                os.unlink(self._source)
