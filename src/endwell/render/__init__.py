"""A report in the shapes people and machines read."""
