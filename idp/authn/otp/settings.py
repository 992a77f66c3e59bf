"""Settings of the one-time code."""

from dataclasses import dataclass

from pydantic import Field

from idp.core.section import Count, Seconds, Section
from idp.login.throttle import DAY, QUARTER, Limit, Scale

SANDBOX_CODE = "000000"


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


class OtpSection(Section):
    ttl: Seconds = Field(300, description="Lifetime of a one-time code in seconds.")
    tries: Count = Field(5, description="Number of wrong guesses that end a code.")
    max_sends: Count | None = Field(
        None, description="Codes to one person in 15 minutes: 3, in the sandbox 10,000."
    )
    max_sends_a_day: Count | None = Field(
        None, description="Codes to one person in a day: 10, in the sandbox 10,000."
    )
    send_fixed_code: bool = Field(
        False, description="Sandbox: also send the fixed code to the demo phone."
    )

    def settings(self, scale: Scale) -> OtpSettings:
        """The settings of a deployment of this scale."""
        plain = OtpSettings()
        return OtpSettings(
            ttl=self.ttl,
            tries=self.tries,
            max_sends=self.max_sends or scale.count(plain.max_sends),
            max_sends_a_day=self.max_sends_a_day or scale.count(plain.max_sends_a_day),
            per_address=scale.per_address or scale.count(plain.per_address),
            per_client=scale.count(plain.per_client),
            fixed_code=SANDBOX_CODE if scale.sandbox else None,
            send_fixed_code=self.send_fixed_code,
        )
