"""Tests of what is built and shipped: wheels, source distribution, installation."""
