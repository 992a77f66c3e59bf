"""Relying parties: who they are and what they registered (RFC 7591)."""
