"""What is different between two projects: replica by replica, and group by group.

A difference matters to a process that runs, or only to what is done with it. A process cannot get another
command, user or log file, so it has to be started anew. When it is told to end, how often it is tried and who
waits for it are questions of later, and nobody has to be stopped for another answer. A part of a service that
is named nowhere here counts as one that matters: to start a service once too often is a smaller mistake than
to believe that it runs as the file says.

supervisord knows groups only: where anything in a group is different, all of it is started anew
(supervisord.org, "supervisorctl Actions", update).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from endwell.records import dataclass, fields

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from endwell.model.service import ServiceSpec

Key = tuple[str, int]

# What a running process does not know of.
_LATER = frozenset(
    {
        *("replicas", "group", "autostart", "start", "restart", "after", "priority", "group_priority"),
        *("health", "stop_signal", "stop_timeout", "drain", "stop_group", "hooks"),
    }
)


class Names(NamedTuple):
    """What is different, by name.

    Args:
        added: those that are new, in the order of the new project.
        changed: those that are there before and after, but not the same.
        removed: those that are gone, in the order of the old project.
        adjusted: those that are not the same, but need not be started anew.
    """

    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    adjusted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Changes:
    """What becomes of each replica when one project takes the place of another; the others stay as they are.

    Args:
        added: those that are new.
        changed: those that have to be started anew.
        adjusted: those for which the difference matters later only.
        removed: those that are gone.
    """

    added: tuple[Key, ...] = ()
    changed: tuple[Key, ...] = ()
    adjusted: tuple[Key, ...] = ()
    removed: tuple[Key, ...] = ()

    @property
    def away(self) -> frozenset[Key]:
        """Those whose process has to end."""
        return frozenset((*self.changed, *self.removed))

    def services(self) -> Names:
        """Say it by service; one that has got other replicas has changed."""
        # Whose number of replicas is another one has some that are new or gone, and others that know of it.
        there = {name for name, _ in (*self.changed, *self.adjusted)}
        resized = (name for name, _ in (*self.added, *self.removed) if name in there)
        changed = tuple(dict.fromkeys((*(name for name, _ in self.changed), *resized)))
        return Names(
            tuple(name for name in _services(self.added) if name not in there),
            changed,
            tuple(name for name in _services(self.removed) if name not in there),
            tuple(name for name in _services(self.adjusted) if name not in changed),
        )


def group_of(spec: ServiceSpec) -> str:
    """Return the name of the group of a replica."""
    return spec.group or spec.name


def by_replica(old: Iterable[ServiceSpec], new: Iterable[ServiceSpec]) -> Changes:
    """Compare each replica with the one of the same service and number."""
    before = {spec.key: spec for spec in old}
    after = {spec.key: spec for spec in new}
    both = [(before[key], spec) for key, spec in after.items() if key in before and before[key] != spec]
    changed = tuple(spec.key for one, spec in both if _is_another_process(one, spec))
    return Changes(
        added=tuple(key for key in after if key not in before),
        changed=changed,
        adjusted=tuple(spec.key for _, spec in both if spec.key not in changed),
        removed=tuple(key for key in before if key not in after),
    )


def by_group(old: Iterable[ServiceSpec], new: Iterable[ServiceSpec], groups: Collection[str]) -> Changes:
    """Start all of some groups anew, of those that are there before and after.

    Args:
        old: all replicas before.
        new: all replicas after.
        groups: that have changed, as `groups` says.
    """
    before = {spec.key: group_of(spec) for spec in old}
    after = {spec.key: group_of(spec) for spec in new}
    return Changes(
        added=tuple(key for key in after if key not in before),
        # Also one that has gone over to another group.
        changed=tuple(
            key
            for key, group in after.items()
            if key in before and (group in groups or before[key] in groups or before[key] != group)
        ),
        removed=tuple(key for key in before if key not in after),
    )


def groups(
    old: Iterable[ServiceSpec],
    new: Iterable[ServiceSpec],
    old_words: Mapping[str, object],
    new_words: Mapping[str, object],
) -> Names:
    """Compare group by group, as supervisord does.

    Args:
        old: all replicas before.
        new: all replicas after.
        old_words: by group, what was said about it. Where words are known they are compared, and not the
            replicas: what is said for all groups at once makes none of them another one for supervisord.
        new_words: what is said about it now.
    """
    before, after = _by_group(old), _by_group(new)

    def differs(name: str) -> bool:
        if name in old_words and name in new_words:
            return old_words[name] != new_words[name]
        return before[name] != after[name]

    return Names(
        added=tuple(name for name in after if name not in before),
        changed=tuple(name for name in after if name in before and differs(name)),
        removed=tuple(name for name in before if name not in after),
    )


def _is_another_process(old: ServiceSpec, new: ServiceSpec) -> bool:
    return any(
        getattr(old, field.name) != getattr(new, field.name)
        for field in fields(old)
        if field.name not in _LATER
    )


def _by_group(specs: Iterable[ServiceSpec]) -> dict[str, dict[Key, ServiceSpec]]:
    found: dict[str, dict[Key, ServiceSpec]] = {}
    for spec in specs:
        found.setdefault(group_of(spec), {})[spec.key] = spec
    return found


def _services(keys: Iterable[Key]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for name, _ in keys))
