"""Messages to the citizen's phone."""
