"""How a text reaches a phone."""

from typing import Protocol


class Sender(Protocol):
    """Sends texts: the SMS gateway, or the demo's inbox."""

    def send(self, phone: str, text: str, *, reference: str) -> None:
        """Send ``text`` to ``phone`` (E.164). ``reference`` names the login it belongs to.

        Raises:
            Unavailable: it was not sent, or is not known to be; it is not sent again by itself.
        """
        ...

    def check(self) -> None:
        """Return when a text would be tried now: asked alike for known and unknown citizens.

        Raises:
            Unavailable: it would not; offer another method.
        """
        ...

    def close(self) -> None:
        """Send what still waits and let go of everything held."""
        ...
