"""The one door to the kernel: what endwell's Python parts do to other processes goes through here."""
