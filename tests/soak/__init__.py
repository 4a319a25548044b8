"""Rounds without end: what is asked of endwell a thousand times is asked here, by hand."""
