"""Unit tests: text to values."""
