"""A benchmark of the provider beside a peer, on this machine only: ``make bench``."""
