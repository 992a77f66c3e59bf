"""Client registration over the wire: RFC 7591, RFC 7592, OpenID Connect Registration 1.0."""
