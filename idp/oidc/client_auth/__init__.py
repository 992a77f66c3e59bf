"""Client authentication at the provider's endpoints (RFC 6749 §2.3, RFC 7523)."""
