"""Honest traffic on a container across its stop: nothing is sent twice, every request is accounted for."""

from endwell.probe.load.options import LoadError, LoadOptions, http_target, tcp_target
from endwell.probe.load.process import Load

__all__ = ["Load", "LoadError", "LoadOptions", "http_target", "tcp_target"]
