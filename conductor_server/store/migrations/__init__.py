"""The way from any earlier schema to this release's, one file a revision. Run by ``store/upgrade.py``.

A revision says everything itself: it imports nothing from ``schema``, which goes on changing after it was released.
"""
