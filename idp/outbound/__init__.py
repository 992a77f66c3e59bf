"""Calls to other machines: time limits, size caps and breakers."""
