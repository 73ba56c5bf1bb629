"""Asking for a shorter answer."""
