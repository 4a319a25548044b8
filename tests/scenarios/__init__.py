"""Stops and ends of a container, each a table entry: what runs, what happens, what counts as passed."""
