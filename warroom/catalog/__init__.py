"""Catalogue files of several formats to one frozen ``Catalogue``, and back; no I/O."""
