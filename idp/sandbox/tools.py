"""What the page and the API of a sandbox do, and when every process knows of it."""

from collections.abc import Callable
from dataclasses import dataclass

from idp.oidc.services import Services
from idp.sandbox import exchange, forced
from idp.sandbox.exchange import Exchange
from idp.sandbox.forced import Forced
from idp.sandbox.recorder import Recorder


@dataclass(frozen=True, slots=True)
class Tools:
    """``everywhere`` returns when every process knows which clients have a result that waits."""

    services: Services
    recorder: Recorder
    everywhere: Callable[[], object]

    def force(self, client_id: str, wanted: Forced) -> None:
        """Let the client's next login end so, in whichever process it is.

        Raises:
            InvalidForced: nobody has an account with the citizen's number.
        """
        forced.force(self.services.transient, self.services.accounts, client_id, wanted)
        self.everywhere()

    def pending(self, client_id: str) -> tuple[Forced, ...]:
        """What waits for the client's next login."""
        return forced.pending(self.services.transient, client_id)

    def clear(self, client_id: str) -> None:
        """Forget what waits for a client."""
        forced.clear(self.services.transient, client_id)

    def exchanges(self, client_id: str) -> tuple[Exchange, ...]:
        """The last exchanges of a client, the newest first; other processes' within a second."""
        self.recorder.flush()
        return exchange.latest(self.services.transient, client_id)

    def forget(self, client_id: str) -> None:
        """Forget the exchanges of a client."""
        self.recorder.flush()
        exchange.forget(self.services.transient, client_id)
