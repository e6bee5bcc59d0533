"""The reconcile loop and its steps."""
