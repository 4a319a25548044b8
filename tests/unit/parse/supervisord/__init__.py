"""Unit tests: supervisord.conf to values."""
