"""The clockwork: cycles that lease, run once and sleep; each calls services."""
