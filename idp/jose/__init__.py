"""Signed tokens and the keys they are checked with (RFC 7515, 7517, 7518, 7519, 7638)."""
