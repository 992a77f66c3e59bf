"""The token endpoint and its grants (RFC 6749 §3.2, §4)."""
