"""Print the table of guests, and what is expected of each."""

from tests import zoo

for guest in zoo.guests().values():
    print(f"{guest.path.name:40} {guest.kind:7} {guest.sentence}")
    if guest.expectation is not None:
        for line in guest.expectation.lines():
            print(f"{'':48} {line}")
