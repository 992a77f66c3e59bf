"""Decoupled requests: the shared parts of the device grant (RFC 8628) and CIBA."""
