"""What a single value may be: pure functions `cell -> Clean | Wrong`, one file per kind of value."""
