"""Tests of endwell.model."""
