"""The one way that a call to an address which a relying party named can fail."""


class OutboundError(Exception):
    """Nothing usable came back.

    The text is always the same, so that a reader cannot map the provider's network;
    ``reason`` is a short machine word for our own log.
    """

    def __init__(self, reason: str) -> None:
        super().__init__("the address gave no usable answer")
        self.reason = reason
