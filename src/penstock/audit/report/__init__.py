"""The audit's JSON, and views of it."""
