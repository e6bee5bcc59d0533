"""How fast Conductor is, in ratios to raw limits and peers measured in the same run: `make bench`."""
