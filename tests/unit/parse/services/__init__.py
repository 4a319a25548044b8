"""endwell.parse.services: endwell.toml."""
