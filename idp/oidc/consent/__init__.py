"""Consent: which personal data a citizen lets a relying party have, claim by claim."""
