"""Unit tests of endwell.machine."""
