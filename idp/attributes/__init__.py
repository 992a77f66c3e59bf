"""The citizen's attributes as claims."""
