"""What supervisors cost: speed and memory, beside their peers."""
