"""Audited commands, one file per noun: the only writers."""
