"""Pages that explain and go on, instead of dead ends."""

from idp.login.ticket import Ticket


class Notice(Exception):
    """Not an error of ours: a step that cannot be done now, and what to do instead.

    ``kind`` names the words (``notice.<kind>.title`` and ``.text`` in the catalogue); ``status``
    is the HTTP status; ``onward`` where its button leads (a path of ours or the relying party's
    home), ``""`` for none; ``cancel_url`` the step of the login of ``ticket`` that a form cancels
    at; ``retry_after`` in seconds; ``reason`` is for the audit log only.
    """

    def __init__(
        self,
        kind: str,
        *,
        status: int = 400,
        onward: str = "",
        cancel_url: str = "",
        ticket: Ticket | None = None,
        retry_after: int = 0,
        reason: str = "",
    ) -> None:
        super().__init__(kind)
        self.kind = kind
        self.status = status
        self.onward = onward
        self.cancel_url = cancel_url
        self.ticket = ticket
        self.retry_after = retry_after
        self.reason = reason or kind
