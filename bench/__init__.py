"""What things cost, each measured beside its peers in one interleaved run."""
