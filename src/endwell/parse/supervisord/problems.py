"""What is wrong with a supervisord.conf, and what is only odd about it."""

from endwell.parse.problems import ConfigurationError, Problem, Report

__all__ = ["ConfigurationError", "Problem", "Report"]
