"""Call records and where they are kept."""
