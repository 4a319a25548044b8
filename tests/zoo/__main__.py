"""Print the table of guests."""

from tests import zoo

for guest in zoo.guests().values():
    print(f"{guest.path.name:32} {guest.kind:7} {guest.sentence}")
