"""Files of worked cache and pricing cases: read, run against the rules and the price table, and reported."""
