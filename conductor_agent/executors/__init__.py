"""Executors: how a run of each source becomes one command. Found by entry point, the built-in ones as well."""
