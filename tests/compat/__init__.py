"""The inits of Debian and endwell-init under their names, held against each other."""
