"""Which model answers a task, and what its parameters become."""
