"""How soon a job goes on elsewhere after its owner was killed or drained, and how soon SIGTERM ends one."""
