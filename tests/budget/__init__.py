"""What may be spent: budgets that hold on every machine. Times are shown by bench/, never asserted."""
