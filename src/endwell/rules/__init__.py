"""What an ending is judged by: one rule, one file, one page."""
