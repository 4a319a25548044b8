"""supervisord itself and what stands in for it, held against each other."""
