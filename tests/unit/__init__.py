"""Tests of single modules; the folders mirror src/endwell."""
