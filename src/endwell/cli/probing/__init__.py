"""What the command `endwell probe` is made of."""
