"""Values only: what is said about signals, time, processes and endings. Imports nothing of ours."""
