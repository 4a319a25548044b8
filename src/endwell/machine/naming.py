"""What people call services when they ask for them.

| written | means |
|---|---|
| all | everything |
| web | the service, all of its replicas |
| web-2 | one replica of it, whatever it is called |
| group:process | supervisord's way to say one process of a group |
| group:* and group: | all of a group |
| group | likewise, if nothing else has that name |
| process | likewise |

The exact name of a service comes first, whatever is in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from endwell.model.control import ControlError, Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from endwell.model.service import ServiceSpec

Key = tuple[str, int]

ALL = "all"
_MOST_NAMES = 12  # that are listed where none is near


class Names:
    """The names of the services there are.

    Args:
        specs: of all replicas, in the file's order.
        process: the name of a replica in its group.
    """

    def __init__(self, specs: Iterable[ServiceSpec], process: Callable[[ServiceSpec], str]) -> None:
        self._keys: list[Key] = []
        self._names: dict[str, list[Key]] = {}
        self._labels: dict[str, list[Key]] = {}
        self._groups: dict[str, list[Key]] = {}
        self._processes: dict[tuple[str, str], list[Key]] = {}
        self._bare: dict[str, list[Key]] = {}
        self._numbered: dict[str, list[Key]] = {}
        for spec in specs:
            key, name, group = spec.key, process(spec), spec.group or spec.name
            self._keys.append(key)
            self._names.setdefault(spec.name, []).append(key)
            self._labels.setdefault(spec.label, []).append(key)
            self._groups.setdefault(group, []).append(key)
            self._processes.setdefault((group, name), []).append(key)
            self._bare.setdefault(name, []).append(key)
            if spec.replicas > 1:
                self._numbered.setdefault(f"{spec.name}-{spec.index + 1}", []).append(key)

    def resolve(self, names: Iterable[str]) -> tuple[Key, ...]:
        """Return the replicas that names mean, each once, in the file's order.

        Raises:
            ControlError: NO_SUCH_SERVICE: a name means nobody; it proposes one that does.
        """
        found: dict[Key, None] = {}
        for name in names:
            found.update(dict.fromkeys(self._meant(name)))
        if len(found) < 2:  # noqa: PLR2004  one is in order
            return tuple(found)
        return tuple(key for key in self._keys if key in found)

    def one(self, name: str) -> Key:
        """Return the one replica that a name means.

        Raises:
            ControlError: NO_SUCH_SERVICE: it means nobody; BAD_ARGUMENTS: it means several.
        """
        found = self.resolve((name,))
        if len(found) == 1:
            return found[0]
        labels = ", ".join(label for label, keys in self._labels.items() if keys[0] in found)
        raise ControlError(Kind.BAD_ARGUMENTS, f"{name} is more than one: name one of {labels}")

    def _meant(self, name: str) -> list[Key]:
        if name == ALL:
            return self._keys
        group, colon, process = name.partition(":")
        found = self._names.get(name) or self._labels.get(name)
        if not found and colon:
            every = process in {"", "*"}
            found = self._groups.get(group) if every else self._processes.get((group, process))
        found = found or self._bare.get(name) or self._groups.get(name) or self._numbered.get(name)
        if not found:
            raise self._nobody(name)
        return found

    def _nobody(self, name: str) -> ControlError:
        import difflib  # noqa: PLC0415  for mistakes only

        known = list(
            dict.fromkeys((*self._names, *self._labels, *(":".join(one) for one in self._processes)))
        )
        near = difflib.get_close_matches(name[:80], known[:1000], n=1)
        listed = ", ".join([*self._names][:_MOST_NAMES]) + (", ..." if len(self._names) > _MOST_NAMES else "")
        hint = (
            f"did you mean {near[0]}?"
            if near
            else f"there are {listed}"
            if listed
            else "there is none at all"
        )
        return ControlError(Kind.NO_SUCH_SERVICE, f"there is no service {name[:80]!r}: {hint}")
