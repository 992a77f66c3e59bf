"""Consent: which claims a citizen allows a relying party to have."""
