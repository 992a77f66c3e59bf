"""Requests made on one device and allowed on another: what RFC 8628 and CIBA have in common."""
