"""What can be typed: one file for each group of commands. They import what they need when they run."""
