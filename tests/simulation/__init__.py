"""The deterministic simulator: one thread, one seed; the real engine, store and agent cores; all else is faulty."""
