"""What the provider says of itself: metadata (RFC 8414, OIDC Discovery) and keys (RFC 7517)."""
