"""``id_token_hint``: an ID token that comes back (OIDC Core §3.1.2.1, RP-Initiated Logout §2).

It proves nothing about who sends it and may be long expired: it only says which citizen, session
and client are meant.
"""

from dataclasses import dataclass

from idp.jose import jwe
from idp.jose.jwt import InvalidToken, audiences, check_signature, check_typ, parse_jwt
from idp.keystore.file import KeyStore
from idp.oidc.clients.model import Client
from idp.oidc.errors import invalid_request
from idp.oidc.services import Services
from idp.oidc.vocabulary import SIGNING_ALGS


@dataclass(frozen=True, slots=True)
class Hint:
    """What a genuine ID token says; ``session_id`` is the ``sid`` that its client knows."""

    client_id: str
    subject: str
    session_id: str


def read(token: str, keys: KeyStore, *, issuer: str) -> Hint:
    """The hint in an ID token that one of ``keys`` signed, encrypted to us perhaps (§3.1.2.1).

    Raises:
        InvalidToken: we never issued it, or it is another kind of token.
    """
    if token.count(".") == jwe.PARTS - 1:
        token = jwe.decrypt(token, keys.decryption())
    jwt = parse_jwt(token)
    check_typ(jwt, ("", "JWT"))
    claims = check_signature(jwt, keys.verification(), SIGNING_ALGS)
    audience, subject, session_id = audiences(claims), claims.get("sub"), claims.get("sid", "")
    if claims.get("iss") != issuer or len(audience) != 1:
        raise InvalidToken("iss_or_aud")
    if not isinstance(subject, str) or not isinstance(session_id, str):
        raise InvalidToken("not_an_id_token")
    return Hint(audience[0], subject, session_id)


def subject_of(services: Services, token: str, client: Client) -> str:
    """Whom the hint in an authorization request of ``client`` means.

    Raises:
        OAuthError: ``invalid_request``, it is not an ID token that we gave this client.
    """
    try:
        hint = read(token, services.keys, issuer=services.settings.issuer)
    except InvalidToken as error:
        raise invalid_request("id_token_hint is not an ID token of ours") from error
    if hint.client_id != client.client_id:
        raise invalid_request("id_token_hint is not an ID token of ours")
    return hint.subject
