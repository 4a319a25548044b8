"""Tests of `endwell up`: real processes, pipes and files."""
