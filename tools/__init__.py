"""Tools for the repository itself; nothing here is installed."""
