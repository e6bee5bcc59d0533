"""One file a step: each makes the database match the desired state, and may be called twice."""
