"""endwell_web_listen, endwell_web_username and endwell_web_password: a page to look at, in [supervisord]."""

from __future__ import annotations

from typing import TYPE_CHECKING

from endwell.parse.web import LISTEN, PASSWORD, USERNAME, listen, web_of

if TYPE_CHECKING:
    from endwell.model.web import Web
    from endwell.parse.supervisord.reading import Options

_PREFIX = "endwell_web_"
_ACCOUNT = (USERNAME, PASSWORD)


def web_of_project(options: Options) -> Web | None:
    """Read them; None where there is no endwell_web_listen, and so no page.

    Args:
        options: of [supervisord].
    """
    if not options.any(_PREFIX):
        return None
    username, password = (options.text(_PREFIX + one) for one in _ACCOUNT)
    if options.find(_PREFIX + LISTEN) is None:
        for one in _ACCOUNT:
            if options.find(_PREFIX + one):
                options.warn(
                    _PREFIX + one, f"{_PREFIX}{one} has no effect: write {_PREFIX}{LISTEN} too, or remove it"
                )
        return None
    address = options.get(_PREFIX + LISTEN, listen, None)
    read = {LISTEN: address, USERNAME: username, PASSWORD: password}
    if any(value is None and options.find(_PREFIX + key) for key, value in read.items()):
        return None  # it is wrong, and noted
    place = options.where(_PREFIX + LISTEN)
    return web_of(
        address,
        username,
        password,
        place,
        lambda key, why: options.error(_PREFIX + key, f"{_PREFIX}{key} {why}"),
    )
