"""Pure rules: data in, data out. No database, no clock, no randomness."""
