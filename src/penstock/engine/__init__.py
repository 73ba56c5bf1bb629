"""Plans, the ordered pipeline, and the steps of one call."""
