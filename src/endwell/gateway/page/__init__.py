"""A page to look at, and what monitors ask: made here, with little script, and nothing from elsewhere."""
