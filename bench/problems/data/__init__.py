"""Committed data, and the scripts that made them."""
