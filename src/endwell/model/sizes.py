"""Numbers of bytes as people say them."""

from __future__ import annotations

_UNITS = ("kB", "MB", "GB", "TB")
_STEP = 1000
_WHOLE = 10  # from here on a digit behind the point says nothing


def format_size(size: int) -> str:
    """Return a number of bytes in at most three digits: `1 byte`, `812 bytes`, `4.0 GB`.

    Args:
        size: not negative.
    """
    if size < _STEP:
        return f"{size} byte{'' if size == 1 else 's'}"
    value = float(size)
    for unit in _UNITS:
        value /= _STEP
        if round(value) < _STEP or unit == _UNITS[-1]:
            break
    return f"{value:.1f} {unit}" if round(value, 1) < _WHOLE else f"{value:.0f} {unit}"
