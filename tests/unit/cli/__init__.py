"""Tests of endwell.cli."""
