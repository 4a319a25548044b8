"""The Docker engine for the tests here."""

from tests.support.session import docker

__all__ = ["docker"]
