"""What an outage costs: rows a second before, during and after it, by replicas that are never restarted."""
