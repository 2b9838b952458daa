"""Figures: each is the median of five, printed as one JSON line with its baseline beside it."""
