"""The rules: each against a story in which it has something to say, and one in which it nearly has."""
