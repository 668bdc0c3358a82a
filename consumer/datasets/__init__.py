"""Datasets: what rows mean. One package each; adding one changes no other file."""
