"""Measures throughput before, during and after outages, with replicas that are never restarted."""
