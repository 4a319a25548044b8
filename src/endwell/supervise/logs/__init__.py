"""The output of services: from their pipes to the container's own output, and to files."""
