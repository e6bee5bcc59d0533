"""What `demo.py` is made of: one night of real flights, played in about a minute and then checked."""
