"""The policy file: schema, loading, resolution."""
