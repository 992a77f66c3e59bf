"""Settings of the provider: its name and its lifetimes, in seconds."""

from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from cryptography.x509 import Certificate

from idp.jose.jwk import JwkSet
from idp.login.throttle import Limit
from idp.oidc.vocabulary import GRANT_TYPES, SCOPES

REGISTRATIONS = Limit("registration", 100)
CLIENT_FAILURES = Limit("client-authentication", 100, 60)
"""Of one client from one source in a minute."""
NO_KEYS = JwkSet()


@dataclass(frozen=True, slots=True)
class RegistrationSettings:
    """Who may register a client over the wire, and what it may have (RFC 7591 §5).

    ``closed``: nobody; ``token``: who shows an initial access token; ``open``: everybody, up to
    ``most`` clients. ``reviewed``: a new client, and one that changed, waits for the operator.
    ``scopes`` are for clients whose initial access token names none, ``withheld`` members that
    only an operator gives. ``pkce`` is the default of ``require_pkce``: in the sandbox test suites
    register that know no PKCE. ``statement_keys`` are those of ``statement_issuer``, whose software
    statements are believed.
    """

    policy: Literal["closed", "token", "open"] = "closed"
    reviewed: bool = True
    scopes: tuple[str, ...] = tuple(each for each in SCOPES if each != "pid")
    grant_types: tuple[str, ...] = ("authorization_code", "implicit", "refresh_token")
    withheld: tuple[str, ...] = ("resource", "required_claims", "authorization_details_types")
    most: int = 10_000
    calls: Limit = REGISTRATIONS
    pkce: bool = True
    statement_issuer: str = ""
    statement_keys: JwkSet = NO_KEYS

    @classmethod
    def sandbox(cls, policy: Literal["closed", "token", "open"] = "open") -> "RegistrationSettings":
        """For relying parties' tests: nobody is asked, and all that we speak may be registered."""
        return cls(
            policy,
            reviewed=False,
            scopes=SCOPES,
            grant_types=GRANT_TYPES,
            withheld=("resource", "required_claims"),
            pkce=False,
        )


@dataclass(frozen=True, slots=True)
class ProviderSettings:
    """``issuer`` is a URL without path, query or trailing slash; endpoints stand at its root.

    ``mtls_origin`` is where connections are asked for client certificates, if not at the issuer;
    ``client_authorities`` issue them (RFC 8705 §5, §2.1). ``policy_url``, ``terms_url`` and
    ``documentation_url`` are pages for relying parties (RFC 8414 §2), ``""`` for none.
    ``retry_after`` and ``retry_until`` bound the grace for a refresh whose answer was lost: the
    same successor is given again in between. ``family_ttl`` is how long what is used up is
    remembered: no grant lives longer.
    """

    issuer: str
    access_token_ttl: int = 600
    id_token_ttl: int = 300
    pushed_ttl: int = 90
    device_code_ttl: int = 600
    backchannel_ttl: int = 300
    backchannel_per_client: int = 3
    backchannel_per_person: int = 10
    backchannel_cool_down: int = 300
    poll_interval: int = 5
    family_ttl: int = 12 * 3600
    retry_after: int = 2
    retry_until: int = 30
    client_failures: Limit = CLIENT_FAILURES
    metadata_max_age: int = 3600
    jwks_max_age: int = 300
    registration: RegistrationSettings = RegistrationSettings()
    mtls_origin: str = ""
    client_authorities: tuple[Certificate, ...] = ()
    policy_url: str = ""
    terms_url: str = ""
    documentation_url: str = ""

    def __post_init__(self) -> None:
        parts = urlsplit(self.issuer)
        if (
            parts.scheme not in {"https", "http"}
            or self.issuer != f"{parts.scheme}://{parts.netloc}"
        ):
            raise ValueError("the issuer is https://host[:port], nothing after it")

    def url(self, path: str) -> str:
        """The absolute URL of one of our paths."""
        return self.issuer + path
