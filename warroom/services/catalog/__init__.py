"""The map: imports, observed edges, proposals, short-lived workloads, coverage."""
