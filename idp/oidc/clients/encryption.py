"""Responses encrypted to the client's key, if it registered that: OIDC Core §10.2.

ID tokens and UserInfo (OIDC Registration §2), introspection (RFC 9701 §6), authorization responses
(JARM §3): signed first, then encrypted.
"""

from typing import Literal, TypeAlias

from idp.core.errors import Unavailable
from idp.jose import jwe
from idp.jose.jwk import Jwk
from idp.oidc.clients.keys import ClientKeys
from idp.oidc.clients.model import Client
from idp.oidc.vocabulary import ENCRYPTION_ENCS

Answer: TypeAlias = Literal["id_token", "userinfo", "introspection", "authorization"]


def encrypts(client: Client, answer: Answer) -> bool:
    """Whether the client registered encryption for this kind of response."""
    return _algorithms(client, answer)[0] is not None


def sealed(
    client_keys: ClientKeys, client: Client, answer: Answer, text: str, *, cty: str | None = "JWT"
) -> str:
    """``text``, encrypted if the client registered that. ``cty`` None: not a JWT.

    Raises:
        Unavailable: the client has no usable key; nothing is sent unencrypted instead.
    """
    alg, enc = _algorithms(client, answer)
    if alg is None:
        return text
    key = _key(client_keys, client, alg)
    return jwe.encrypt(text, key, alg=alg, enc=enc or ENCRYPTION_ENCS[0], cty=cty)


def require_key(client_keys: ClientKeys, client: Client, answer: Answer) -> None:
    """Check that :func:`sealed` has a key, before anything is used up.

    Raises:
        Unavailable: the client has no usable key.
    """
    alg, _ = _algorithms(client, answer)
    if alg is not None:
        _key(client_keys, client, alg)


def _key(client_keys: ClientKeys, client: Client, alg: str) -> Jwk:
    key = client_keys.of(client).encryption_key(alg)
    if key is None:
        raise Unavailable("client keys")
    return key


def _algorithms(client: Client, answer: Answer) -> tuple[str | None, str | None]:
    match answer:
        case "id_token":
            return client.id_token_encrypted_response_alg, client.id_token_encrypted_response_enc
        case "userinfo":
            return client.userinfo_encrypted_response_alg, client.userinfo_encrypted_response_enc
        case "introspection":
            return (
                client.introspection_encrypted_response_alg,
                client.introspection_encrypted_response_enc,
            )
        case "authorization":
            return (
                client.authorization_encrypted_response_alg,
                client.authorization_encrypted_response_enc,
            )
