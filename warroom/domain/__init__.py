"""Rules only: standard library, `now` is an argument, no I/O, no clock, no SQL."""
