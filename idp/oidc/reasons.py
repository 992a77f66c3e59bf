"""Sentences for developers about the reasons of refusals: the defect and the remedy.

A reason is the short word of an audit entry. The sentences are ASCII without quotes, as allowed
in ``error_description`` (RFC 6749 §5.2).
"""

from collections.abc import Mapping

_JWT: Mapping[str, str] = {
    "malformed": "{jwt} is not a signed JWT in compact form: send header.payload.signature in"
    " base64url without padding",
    "too_long": "{jwt} is longer than 16 KiB: send fewer claims",
    "header": "{jwt} has a forbidden header parameter (crit, b64, jku, jwk, x5u, x5c, zip) or no"
    " alg: send only alg, typ and kid",
    "typ": "{jwt} has the typ {seen}, which is for another kind of token: omit typ or send the"
    " one of the standard",
    "kid": "{jwt} has a kid that is not a short string: send the kid of the key in your JWK set",
    "algorithm": "{jwt} is signed with {seen}: sign with the algorithm that the client registered",
    "unknown_key": "{jwt} has the kid {seen}, which matches no single published key: publish the"
    " key, or send the kid of a published one",
    "signature": "{jwt} has a signature that the published key does not verify: sign with the"
    " private key that belongs to the published one",
    "expired": "{jwt} expired {seconds} s ago: create a new one for each request, and set your"
    " clock by NTP",
    "not_yet_valid": "{jwt} has an iat or nbf {seconds} s in the future: set your clock by NTP",
    "aud": "{jwt} has the aud {seen}: send the issuer as the only aud",
    "iss": "{jwt} has the iss {seen}: send your client_id",
    "sub": "{jwt} has a wrong sub: an assertion has your client_id as sub, a request object has no"
    " sub",
    "subject": "{jwt} needs iss and sub, and both must be your client_id",
    "missing_exp": "{jwt} has no exp: add one, at most 5 minutes ahead",
    "missing_nbf": "{jwt} has no nbf: add one",
    "missing_iss": "{jwt} has no iss: add one with your client_id",
    "missing_aud": "{jwt} has no aud: add one with the issuer",
    "missing_jti": "{jwt} has no jti: add a new random one to each",
    "missing_iat": "{jwt} has no iat: add the time of its creation",
    "missing_htm": "{jwt} has no htm: add the HTTP method of the request",
    "missing_htu": "{jwt} has no htu: add the URL of the request",
    "jti": "{jwt} has a jti that is not a string: send a random string",
    "exp": "{jwt} has an exp that is not a number of seconds",
    "nbf": "{jwt} has an nbf that is not a number of seconds",
    "iat": "{jwt} has an iat that is not a number of seconds",
    "lives_too_long": "{jwt} is valid for too long{ahead}: send a smaller exp, and check your"
    " clock",
    "replayed": "{jwt} was used before: create a new one with a new jti for each request, also"
    " for a retry",
    "client_id": "{jwt} has another client_id: send your own inside",
    "nested": "{jwt} holds request or request_uri: a request object must not contain them",
    "parameter": "{jwt} holds a parameter that is neither a string, an integer nor a JSON value of"
    " its standard",
    "decryption": "{jwt} cannot be decrypted: encrypt to a current key of our jwks_uri",
    "unknown_encryption_key": "{jwt} is encrypted to an unknown key: fetch our jwks_uri again",
    "key": "{jwt} has no usable public key in its jwk header: send an EC P-256, Ed25519 or RSA key,"
    " public members only",
    "too_old": "{jwt} has an iat that is {seconds} s old: create a new one for each request, and"
    " set your clock by NTP",
    "htm": "{jwt} has the htm {seen}: send the HTTP method of the request",
    "htu": "{jwt} has the htu {seen}: send the URL of the called endpoint, without query",
    "ath": "{jwt} has an ath that is not the SHA-256 digest of the access token",
    "missing": "{jwt} is missing: send one, since the access token is bound to a key",
    "other_key": "{jwt} has another key than the one that the grant is bound to: use one key from"
    " the authorization request on",
    "exp_too_far": "{jwt} is valid for too long: send a smaller exp",
    "nbf_too_old": "{jwt} has an nbf too far in the past: create a new one for each request",
}
_JWTS: Mapping[str, str] = {
    "assertion_": "the client assertion",
    "request_object_": "the request object",
    "dpop_": "the DPoP proof",
}
_SENTENCES: Mapping[str, str] = {
    # Client authentication
    "assertion_lives_too_long": "{jwt} is valid for too long{ahead}: send an exp at most five"
    " minutes ahead, or register client_assertion_max_seconds; check your clock",
    "unknown_client": "no client is registered with this client_id: compare it with the"
    " registration, and the environment (sandbox or production)",
    "client_disabled": "the client is disabled: ask the operator to enable it",
    "other_method": "the request used another client authentication method than the registered"
    " token_endpoint_auth_method: change one of the two",
    "wrong_secret": "the client_secret is wrong: check for spaces and missing characters, and"
    " form-encode it in the Basic header (RFC 6749 2.3.1)",
    "expired_secret": "the client_secret was replaced and its overlap has ended: deploy the new"
    " one",
    "malformed_basic": "the Authorization header is not Basic with base64(client_id:client_secret)",
    "authorization_scheme": "the Authorization header has another scheme than Basic",
    "no_client_id": "the request has no client_id: authenticate the client, or send client_id",
    "two_client_ids": "the client_id of the form and of the credentials differ: send one",
    "no_certificate": "the TLS connection has no client certificate: configure it in the HTTP"
    " client, and call the endpoints of mtls_endpoint_aliases",
    "malformed_certificate": "the client certificate cannot be read",
    "certificate_subject": "the client certificate is for another subject than the registered"
    " tls_client_auth_ member: register the new subject, or use the old certificate",
    "certificate_key": "the client certificate holds a key that is not in the client's JWK set:"
    " publish it",
    "certificate_not_trusted": "no accepted authority issued the client certificate, or it has"
    " expired",
    "no_certificate_authority": "the provider has no certificate authority for clients: ask the"
    " operator to add one",
    "public_client": "a public client cannot call this endpoint: register a client authentication"
    " method",
    # Codes and refresh tokens
    "malformed_code": "this is not an authorization code of this provider: send it unchanged, and"
    " decoded once from the query",
    "unknown_code": "the code has expired, or is not from this provider: redeem a code at once,"
    " within a minute",
    "foreign_code": "the code was issued to another client: send the credentials of the client that"
    " made the authorization request",
    "code_binding": "redirect_uri, code_verifier or key differ from the authorization request",
    "code_redirect_uri": "redirect_uri {seen} differs from the authorization request: send the"
    " same string again",
    "code_verifier": "code_verifier does not belong to the code_challenge of the authorization"
    " request: keep the verifier of each request in the user's session",
    "code_verifier_missing": "code_verifier is missing: the authorization request had a"
    " code_challenge, so send its verifier",
    "code_verifier_unasked": "code_verifier was sent, but the authorization request had no"
    " code_challenge: send code_challenge and code_challenge_method=S256 there",
    "code_key": "the code is bound to another DPoP key (dpop_jkt): use one key for both requests",
    "malformed_verifier": "code_verifier must have 43 to 128 characters of A-Z a-z 0-9 - . _ ~",
    "code_replayed": "the code was redeemed before, and all tokens made from it are revoked: redeem"
    " a code once, and do not repeat the request when the page is reloaded",
    "malformed_refresh_token": "this is not a refresh token of this provider: send it unchanged",
    "unknown_refresh_token": "the refresh token has expired or was revoked: ask the citizen to log"
    " in again",
    "foreign_refresh_token": "the refresh token was issued to another client",
    "refresh_token_race": "two requests used one refresh token at once: let one process refresh",
    "refresh_replayed": "the refresh token was used before, and its family is revoked: store the"
    " new refresh token of each answer",
    "other_key": "the token is bound to another key: use the key of the token request",
    # Authorization requests
    "invalid_redirect_uri": "redirect_uri {seen} is not registered: send a registered one,"
    " character by character",
    "pkce_missing": "the authorization request has no code_challenge: send code_challenge and"
    " code_challenge_method=S256 (PKCE, RFC 7636)",
    "pkce_method": "code_challenge_method must be S256, not plain",
    "pkce_challenge": "code_challenge must be the SHA-256 digest of code_verifier in base64url"
    " without padding, 43 characters",
    "scope_not_registered": "scope {seen} is not registered for the client: register it or do not"
    " request it",
    "unknown_request_uri": "request_uri is not known, has expired or was used: push each request"
    " and use its request_uri at once",
    "foreign_request_uri": "request_uri was pushed by another client",
    "request_uri_not_registered": "request_uri is not among the registered request_uris",
    # DPoP
    "use_dpop_nonce": "the DPoP proof must hold the nonce of the last DPoP-Nonce header: repeat the"
    " request with it",
    "dpop_required": "the request has no DPoP proof: send one, since the client registered for"
    " bound tokens",
    # Access tokens
    "token_scheme": "the access token has the wrong scheme: send a token bound to a DPoP key as"
    " DPoP, others as Bearer",
    "other_certificate": "the access token is bound to another client certificate",
    "unknown_access_token": "the access token is unknown, expired or revoked: refresh it",
    "access_token_expired": "the access token has expired: refresh it",
    "grant_revoked": "the grant was revoked: ask the citizen to log in again",
    "grant_expired": "the grant has expired: ask the citizen to log in again",
    "session_ended": "the citizen's session has ended: ask the citizen to log in again",
    "consent_withdrawn": "the citizen withdrew the consent: ask the citizen to log in again",
    "session_revoked": "the citizen's session was ended: ask the citizen to log in again",
    "left_this_client": "the citizen logged out of this client: ask the citizen to log in again",
    "account_revoked": "the citizen's sessions were all ended, by the operator or by a lock of the"
    " account, including logins within the next 6 s: ask the citizen to log in again",
    "account_gone": "the citizen no longer has an account: end the session in the portal",
    "account_deceased": "the registry says that the citizen is dead: end the session in the portal",
    "account_missing": "the registry says that the citizen is missing: end the session in the"
    " portal",
    "account_number_cancelled": "the citizen's number was cancelled: end the session in the portal",
    "account_locked_holder": "the citizen locked the account: end the session in the portal",
    "account_locked_authority": "an authority locked the account: end the session in the portal",
    "account_locked_operator": "the operator locked the account: end the session in the portal",
    "account_locked_terms": "the account is locked for a breach of the terms of use: end the"
    " session in the portal",
    "account_locked_card_revoked": "the account is locked since the citizen's card was revoked: end"
    " the session in the portal",
    "account_not_activated": "the citizen's account is not active: end the session in the portal",
    "card_revoked": "the card of this login was revoked: ask the citizen to log in again",
    "scope_no_longer_registered": "a granted scope is no longer registered: ask the citizen to"
    " log in again with the scopes that are registered",
    "not_for_this_client": "the access token is for another resource server than the calling"
    " client: request one with the resource parameter",
    "access_token_revoked": "the access token was revoked: refresh it",
    "foreign_access_token": "the access token was issued to another client",
    "sandbox_forced": "this result was set at /sandbox or by its API: remove it there",
    "throttled": "too many refused requests: wait for the seconds of Retry-After",
}


def capitalised(text: str) -> str:
    """``text`` with a capital first letter, unless it begins with a member's name."""
    word = text.partition(" ")[0]
    return text if "_" in word else f"{text[:1].upper()}{text[1:]}"


REASONS = (*_SENTENCES, *(prefix + name for prefix in _JWTS for name in _JWT))
"""Every reason that has a sentence."""


def sentence(reason: str, seen: str = "", seconds: int | None = None) -> str:
    """The sentence for ``reason``; ``""`` if there is none.

    ``seen`` and ``seconds`` are those of :class:`idp.audit.events.Refusal`.
    """
    prefix = next((each for each in _JWTS if reason.startswith(each)), "")
    template = _SENTENCES.get(reason) or (_JWT.get(reason.removeprefix(prefix)) if prefix else "")
    if not template:
        return ""
    return template.format(
        jwt=_JWTS.get(prefix, ""),
        seen=seen or "(none)",
        seconds="some" if seconds is None else seconds,
        ahead="" if seconds is None else f", its exp is {seconds} s ahead",
    )
