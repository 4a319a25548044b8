"""Real parts that tests share, each started by hand in a directory of its own and ended by its pid."""
