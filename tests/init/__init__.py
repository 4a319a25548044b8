"""Lives of endwell-init as a whole: stopped, sanitized, and with every system call failing once."""
