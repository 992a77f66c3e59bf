"""Settings of the one-time code."""

from dataclasses import dataclass

from idp.login.throttle import DAY, QUARTER, Limit


@dataclass(frozen=True, slots=True)
class OtpSettings:
    """``ttl`` seconds a code lives; ``tries`` wrong guesses end it; ``max_sends`` per 15 minutes.

    ``fixed_code`` is for the sandbox only: every code is this one. It is sent only
    with ``send_fixed_code``, for the demo phone.
    """

    ttl: int = 5 * 60
    tries: int = 5
    max_sends: int = 3
    max_sends_a_day: int = 10
    per_address: int = 300
    per_client: int = 6_000
    fixed_code: str | None = None
    send_fixed_code: bool = False

    @property
    def silent(self) -> bool:
        """Whether codes are kept back: everybody knows them."""
        return self.fixed_code is not None and not self.send_fixed_code

    @property
    def sends(self) -> Limit:
        """Codes to one person in a quarter of an hour."""
        return Limit("otp-sends", self.max_sends, QUARTER)

    @property
    def sends_a_day(self) -> Limit:
        """Codes to one person in a day."""
        return Limit("otp-day", max(self.max_sends, self.max_sends_a_day), DAY)

    @property
    def address(self) -> Limit:
        """Codes asked for from one address."""
        return Limit("otp-address", self.per_address, QUARTER)

    @property
    def client(self) -> Limit:
        """Codes asked for by the logins of one relying party."""
        return Limit("otp-client", self.per_client, QUARTER)
