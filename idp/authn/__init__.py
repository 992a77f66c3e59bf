"""Ways to prove who you are: one folder each, and none imports another."""
