"""endwell.toml: services as tables, read with file and line of everything."""

from endwell.parse.services.reading import Services, read_services

__all__ = ["Services", "read_services"]
