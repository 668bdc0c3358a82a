"""Output: terminal, plain text, JSON, the progress bar, formatting."""
