"""Authorizations, and the tokens issued from them."""
