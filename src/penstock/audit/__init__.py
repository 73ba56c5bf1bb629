"""Recorded traffic to ranked findings."""
