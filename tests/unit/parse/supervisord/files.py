"""A machine without a machine: files, users and directories that a test makes up."""

from __future__ import annotations

from fnmatch import fnmatch

from endwell.parse.supervisord import Reading, Surroundings, Translation, read_configuration, translate

MAIN = "[supervisord]\n"
FILE = "/etc/supervisord.conf"
USERS = {"root": (0, 0), 0: (0, 0), "web": (1000, 1001), 1000: (1000, 1001)}
DIRECTORIES = {"/", "/etc", "/run", "/var/log", "/home/web", "/dev", "/dev/fd", "/proc/1/fd", "/proc/self/fd"}


def surroundings(
    files: dict[str, str], environment: dict[str, str] | None = None, *, temporary: str | None = "/var/tmp"
) -> Surroundings:
    """Return a machine that has these files."""

    def read(path: str) -> str:
        if path not in files:
            raise FileNotFoundError(2, "No such file or directory", path)
        if files[path] == "(not yours)":
            raise PermissionError(13, "Permission denied", path)
        return files[path].encode("latin-1").decode("utf-8") if "\xff" in files[path] else files[path]

    return Surroundings(
        read=read,
        glob=lambda pattern: [path for path in files if fnmatch(path, pattern)],
        is_directory=DIRECTORIES.__contains__,
        expand_user=lambda path: path.replace("~", "/home/web", 1) if path.startswith("~") else path,
        user=USERS.get,
        group={"root": 0, 0: 0}.get,
        environment=environment or {},
        node="host",
        directory="/home/web",
        temporary=temporary,
        uid=0,
    )


def read(text: str, **environment: str) -> Reading:
    """Read a file that says this."""
    return read_configuration(FILE, surroundings({FILE: text}, environment))


def warned(text: str) -> list[str]:
    """Return what a file is warned of, without its name."""
    return [str(one).removeprefix(f"{FILE}:") for one in read(text).warnings]


def translated(text: str, **environment: str) -> Translation:
    """Read a file that says this, and put it into our words."""
    return translate(read(text, **environment).configuration)
