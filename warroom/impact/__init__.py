"""What an incident takes down: a graph of services in, nodes and totals out; no I/O."""
