"""`make demo`: imports three sources and checks every count."""
