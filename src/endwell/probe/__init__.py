"""Stop a container for real, watch every process of it from the kernel's side, and judge what happened."""
