"""Registered clients and their metadata (RFC 7591)."""
