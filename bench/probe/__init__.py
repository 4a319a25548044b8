"""What being watched costs: the same busy server with and without an observer."""
