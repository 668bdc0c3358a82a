"""What rows mean: a folder per dataset; adding one touches nothing else."""
