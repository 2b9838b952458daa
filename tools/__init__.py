"""Helpers of development: lint rules and runners."""
