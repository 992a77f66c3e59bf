"""Stores: the transient one (memory, Redis) and the database."""
