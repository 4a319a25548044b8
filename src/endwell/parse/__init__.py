"""Text to values: what files and the kernel say, read without touching the system."""
