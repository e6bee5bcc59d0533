"""How fast Conductor is, as ratios to raw limits and peers that are measured beside it in the same run: `make bench`."""
