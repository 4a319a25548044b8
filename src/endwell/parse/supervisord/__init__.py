"""supervisord.conf, read as supervisord reads it, and put into our own words."""

from endwell.parse.supervisord.configuration import Reading, read_client, read_configuration
from endwell.parse.supervisord.include import search_path
from endwell.parse.supervisord.problems import ConfigurationError, Problem
from endwell.parse.supervisord.surroundings import Surroundings
from endwell.parse.supervisord.translation import Translation, translate

__all__ = [
    "ConfigurationError",
    "Problem",
    "Reading",
    "Surroundings",
    "Translation",
    "read_client",
    "read_configuration",
    "search_path",
    "translate",
]
