"""Error families that more than one layer speaks."""


class Unavailable(Exception):
    """A store or a remote party cannot answer now: 503, fail closed, try again.

    ``dependency`` names what is down for the operator (``redis``, ``database``, ``registry``,
    ``sms``…); ``retry_after`` is in seconds.
    """

    def __init__(self, dependency: str, *, retry_after: int = 5) -> None:
        super().__init__(f"{dependency} is unavailable")
        self.dependency = dependency
        self.retry_after = retry_after


class AuthenticationFailed(Exception):
    """A proof was refused: one sentence for the citizen, the reason for the audit log only.

    ``message`` is a message id of the page catalogue (``idp/web/locale``); ``reason`` a short
    machine word that never reaches the citizen.
    """

    def __init__(self, message: str, *, reason: str) -> None:
        super().__init__(reason)
        self.message = message
        self.reason = reason
