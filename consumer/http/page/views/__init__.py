"""What templates show: pure functions of jobs, attempts and rejected rows."""
