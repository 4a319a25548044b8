"""Tests of the capture of what services write."""
