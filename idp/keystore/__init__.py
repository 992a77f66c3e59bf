"""Our own keys: what signs, what keys the digests, and when the next one takes over."""
