"""endwell makes the programs inside containers end well."""

__version__ = "0.1.0"
