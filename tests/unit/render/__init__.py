"""endwell.render."""
