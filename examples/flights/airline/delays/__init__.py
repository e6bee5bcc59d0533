"""Flights, their delays, and the reports about them."""
