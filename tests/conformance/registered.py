"""The suite's clients, each registered when the first test needs it."""

from collections.abc import Mapping
from typing import Any

from idp.oidc.vocabulary import RESPONSE_TYPES
from tests.conformance.live import Provider
from tests.conformance.suite import CLIENT

METHODS: Mapping[str, str] = {"client_secret_post": "client_secret_post"}
"""How clients authenticate; all others with ``client_secret_basic``."""
ALG = "id_token_signed_response_alg"


class Clients:
    """Clients by name and by what they may ask for: the code alone, or every response type.

    The suite's configuration has ``client``, ``client2`` and ``client_secret_post``; ``signed``
    names the algorithm of its ID tokens and ``unnamed`` none.
    """

    def __init__(self, op: Provider) -> None:
        self._op = op
        self._found: dict[tuple[str, bool], dict[str, Any]] = {}

    def __getitem__(self, name: str) -> dict[str, Any]:
        """The client that asks for codes."""
        return self.of(name, "code")

    def of(self, name: str, response_type: str) -> dict[str, Any]:
        """The client that may ask for answers of a type, as registered, its secret with it."""
        key = name, response_type == "code"
        if key not in self._found:
            self._found[key] = self._register(*key)
        return self._found[key]

    def _register(self, name: str, code_alone: bool) -> dict[str, Any]:
        host = f"https://{name.replace('_', '-')}.example"
        plain = {
            member: each for member, each in CLIENT.items() if name != "unnamed" or member != ALG
        }
        if not code_alone:
            plain["grant_types"] = ["authorization_code", "implicit", "refresh_token"]
            plain["response_types"] = list(RESPONSE_TYPES)
        return self._op.register(
            **plain,
            token_endpoint_auth_method=METHODS.get(name, "client_secret_basic"),
            redirect_uris=[f"{host}/callback"],
            post_logout_redirect_uris=[f"{host}/post_logout"],
        )
