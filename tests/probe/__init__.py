"""Tests of `endwell probe`, which stop real programs."""
