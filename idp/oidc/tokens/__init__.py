"""Tokens: what an authorization is, and how it becomes tokens."""
