"""What can be tested of the supervisor without processes."""
