"""The project: settings and nothing else."""
