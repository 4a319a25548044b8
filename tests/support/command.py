"""The docker command itself, for what people type."""

from __future__ import annotations

import subprocess

from endwell.records import dataclass


@dataclass(frozen=True, slots=True)
class DockerCommand:
    """Runs docker with the engine at `host`, an address as DOCKER_HOST has it."""

    host: str

    def run(self, *arguments: str) -> str:
        """Run one docker command and return what it printed; AssertionError if it failed."""
        done = subprocess.run(
            ["docker", "--host", self.host, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert not done.returncode, f"docker {arguments[0]} failed with {done.returncode}: {done.stderr}"
        return done.stdout.strip()

    def follow(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start a docker command that lives as long as a container, its outputs on one pipe."""
        return subprocess.Popen(
            ["docker", "--host", self.host, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
