"""What an init costs: ours beside tini, dumb-init, catatonit and the bare minimum."""
