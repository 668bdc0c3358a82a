"""What templates show, as plain values computed from jobs, attempts and rejected rows."""
