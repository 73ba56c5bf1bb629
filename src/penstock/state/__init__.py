"""Counters and budgets across workers."""
