"""Standing: whether what was given may still be used, and how its use is ended."""
