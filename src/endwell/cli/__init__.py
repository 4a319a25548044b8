"""The command line: one module for each sub-command, imported when it is asked for."""
