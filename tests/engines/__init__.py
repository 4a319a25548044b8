"""Every engine against the one contract, the real Docker included."""
