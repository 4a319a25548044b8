"""Unit tests: the door to the kernel."""
