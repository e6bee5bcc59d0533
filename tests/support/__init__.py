"""What tests share: builders, a clock that a test turns by hand, and a small world to play in."""
