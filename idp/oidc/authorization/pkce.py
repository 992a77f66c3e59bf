"""PKCE, the front-channel half: RFC 7636 §4.3, S256 only (RFC 9700 §2.1.1)."""

from idp.core.handles import b64url_decode
from idp.oidc.clients.model import Client
from idp.oidc.errors import invalid_request
from idp.web.http import Params

METHOD = "S256"
DIGEST_BYTES = 32


def code_challenge(params: Params, client: Client) -> str:
    """The S256 challenge of the request, ``""`` when there is none and none is needed.

    A challenge without a method would mean ``plain``, which shows the verifier to anyone who
    sees the request, and so is refused.

    Raises:
        OAuthError: missing though required, another method, or not the digest of anything.
    """
    challenge, method = params.get("code_challenge", ""), params.get("code_challenge_method", "")
    if not challenge and not method and not client.pkce_required:
        return ""
    if not challenge:
        raise invalid_request("code_challenge is required", reason="pkce_missing")
    if method != METHOD:
        raise invalid_request("code_challenge_method must be S256", reason="pkce_method")
    try:
        size = len(b64url_decode(challenge))
    except ValueError:
        size = 0
    if size != DIGEST_BYTES:
        raise invalid_request(
            "code_challenge is not a SHA-256 digest in base64url", reason="pkce_challenge"
        )
    return challenge
