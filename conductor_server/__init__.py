"""The server: engine, services and the store behind them."""

__version__ = "0.1.0"
