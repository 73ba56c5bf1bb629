"""Penstock finds the waste in an LLM bill, fixes it in the request path, and proves the saving."""

__version__ = "0.1.0"
