"""The card agent: runs beside the reader, knows the card library and nothing of the server."""

from idp.agent.command import main

__all__ = ["main"]
