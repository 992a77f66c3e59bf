"""Good and bad tokens, and what a verifier of any language must say of each.

A case changes one thing of a good token. ``reason`` names the member at fault; none means that the
token is accepted. Times are seconds from now.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from idp.oidc.logout.token import EVENT

ISSUER = "https://id.example.vn"
CLIENT_ID = "portal"
NONCE = "n-0S6_WzA2Mj"
ACCESS_TOKEN = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y"
AT_HASH = "77QmUPtjPfzWtF2AnpK9RQ"
"""RS256's of the access token, as OpenID Connect Core's appendix A.3 prints the two."""
LEVEL = "urn:vn:eid:level:"
EXPECTED: Mapping[str, Any] = {
    "nonce": NONCE,
    "min_acr": f"{LEVEL}2",
    "max_age": 300,
    "access_token": ACCESS_TOKEN,
}
"""What a relying party asked for in the request that a good ID token answers."""
ID_TOKEN: Mapping[str, Any] = {
    "iss": ISSUER,
    "sub": "248289761001",
    "aud": CLIENT_ID,
    "nonce": NONCE,
    "acr": f"{LEVEL}2",
    "at_hash": AT_HASH,
    "sid": "08a5019c",
}
ID_TOKEN_TIMES: Mapping[str, int] = {"iat": 0, "exp": 300, "auth_time": -60}
LOGOUT_TOKEN: Mapping[str, Any] = {
    "iss": ISSUER,
    "sub": "248289761001",
    "aud": CLIENT_ID,
    "events": {EVENT: {}},
    "sid": "08a5019c",
}
LOGOUT_TOKEN_TIMES: Mapping[str, int] = {"iat": 0, "exp": 120}
ABSENT = object()
"""In the place of a value: the member is not there."""


@dataclass(frozen=True, slots=True)
class Case:
    """One token. ``key`` says how it is signed (see ``tokens``); ``again``: it is shown twice."""

    name: str
    reason: str = ""
    claims: Mapping[str, Any] = field(default_factory=dict)
    times: Mapping[str, int] = field(default_factory=dict)
    header: Mapping[str, Any] = field(default_factory=dict)
    key: str = "current"
    expected: Mapping[str, Any] = field(default_factory=dict)
    raw: str = ""
    again: bool = False


ID_TOKENS = (
    Case("a good token"),
    Case("typ JWT", header={"typ": "JWT"}),
    Case("aud as an array of one", claims={"aud": [CLIENT_ID]}),
    Case("azp that is the client", claims={"azp": CLIENT_ID}),
    Case("a higher level than asked", claims={"acr": f"{LEVEL}4"}),
    Case("issued by a clock that is 15 seconds ahead", times={"iat": 15}),
    Case("expired a moment ago by a clock that differs", times={"exp": -1}),
    Case(
        "an old login where max_age was not asked",
        times={"auth_time": -9000},
        expected={"max_age": None},
    ),
    Case(
        "no at_hash where no access token came",
        claims={"at_hash": ABSENT},
        expected={"access_token": None},
    ),
    Case("empty", "token", raw="."),
    Case("not a token", "token", raw="a.b.c"),
    Case("four parts", "token", raw="a.b.c.d"),
    Case("alg none", "alg", key="none"),
    Case("HS256 with the public key as the secret", "alg", key="public"),
    Case("an algorithm of the provider's that the client did not register", "alg", key="other_alg"),
    Case("the kid of a key of another type", "kid", key="other_type"),
    Case("a kid that is not the provider's", "kid", key="foreign"),
    Case("a kid that is not the provider's, its key in the header", "kid", key="embedded"),
    Case("signed by another under the provider's kid", "signature", key="forged"),
    Case("changed after it was signed", "signature", key="changed"),
    Case("a critical header that nobody knows", "token", header={"crit": ["exp"], "exp": 1}),
    Case("typ of a logout token", "typ", header={"typ": "logout+jwt"}),
    Case("typ of an access token", "typ", header={"typ": "at+jwt"}),
    Case("no iss", "iss", claims={"iss": ABSENT}),
    Case("another iss", "iss", claims={"iss": "https://evil.example"}),
    Case("iss with a slash more", "iss", claims={"iss": f"{ISSUER}/"}),
    Case("no aud", "aud", claims={"aud": ABSENT}),
    Case("another aud", "aud", claims={"aud": "other"}),
    Case("aud that begins like the client", "aud", claims={"aud": f"{CLIENT_ID}2"}),
    Case("aud of the client and another", "aud", claims={"aud": [CLIENT_ID, "other"]}),
    Case("aud empty", "aud", claims={"aud": []}),
    Case("azp of another", "azp", claims={"azp": "other"}),
    Case("no sub", "sub", claims={"sub": ABSENT}),
    Case("sub as a number", "sub", claims={"sub": 248289761001}),
    Case("no exp", "exp", claims={"exp": ABSENT}),
    Case("expired five minutes ago", "exp", times={"iat": -600, "exp": -300}),
    Case("no iat", "iat", claims={"iat": ABSENT}),
    Case("issued in ten minutes", "iat", times={"iat": 600, "exp": 900}),
    Case("no nonce", "nonce", claims={"nonce": ABSENT}),
    Case("the nonce of another login", "nonce", claims={"nonce": "another"}),
    Case("nonce as a number", "nonce", claims={"nonce": 1}),
    Case("acr too low", "acr", claims={"acr": f"{LEVEL}1"}),
    Case("no acr", "acr", claims={"acr": ABSENT}),
    Case("acr of another scheme", "acr", claims={"acr": "urn:mace:incommon:iap:silver"}),
    Case("acr that only looks higher", "acr", claims={"acr": f"{LEVEL}9"}),
    Case("auth_time before max_age", "auth_time", times={"auth_time": -900}),
    Case("no auth_time where max_age was asked", "auth_time", claims={"auth_time": ABSENT}),
    Case("auth_time as text", "auth_time", claims={"auth_time": "now"}),
    Case(
        "at_hash of another access token", "at_hash", claims={"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"}
    ),
    Case("no at_hash where an access token came", "at_hash", claims={"at_hash": ABSENT}),
)

LOGOUT_TOKENS = (
    Case("a good token"),
    Case("sub alone", claims={"sid": ABSENT}),
    Case("sid alone", claims={"sub": ABSENT}),
    Case("another event beside it", claims={"events": {EVENT: {}, "urn:example:event": {}}}),
    Case("shown twice", "jti", again=True),
    Case(
        "refused for its time, so that its jti stays free",
        "exp",
        claims={"jti": "kept"},
        times={"iat": -600, "exp": -300},
    ),
    Case("the jti that stayed free", claims={"jti": "kept"}),
    Case("the jti that is used", "jti", claims={"jti": "kept"}),
    Case("no jti", "jti", claims={"jti": ABSENT}),
    Case("jti as a number", "jti", claims={"jti": 7}),
    Case("no typ", "typ", header={"typ": ABSENT}),
    Case("typ JWT", "typ", header={"typ": "JWT"}),
    Case("no events", "events", claims={"events": ABSENT}),
    Case("events without the logout", "events", claims={"events": {"urn:example:event": {}}}),
    Case("events as an array", "events", claims={"events": [EVENT]}),
    Case("the event without an object", "events", claims={"events": {EVENT: True}}),
    Case("a nonce, so that it could be an ID token", "nonce", claims={"nonce": NONCE}),
    Case("neither sid nor sub", "sid", claims={"sid": ABSENT, "sub": ABSENT}),
    Case("sid as a number", "sid", claims={"sid": 8}),
    Case("another iss", "iss", claims={"iss": "https://evil.example"}),
    Case("another aud", "aud", claims={"aud": "other"}),
    Case("aud of the client and another", "aud", claims={"aud": [CLIENT_ID, "other"]}),
    Case("no exp", "exp", claims={"exp": ABSENT}),
    Case("expired five minutes ago", "exp", times={"iat": -420, "exp": -300}),
    Case("no iat", "iat", claims={"iat": ABSENT}),
    Case("issued in ten minutes", "iat", times={"iat": 600, "exp": 720}),
    Case("alg none", "alg", key="none"),
    Case("HS256 with the public key as the secret", "alg", key="public"),
    Case("signed by another under the provider's kid", "signature", key="forged"),
    Case("a kid that is not the provider's", "kid", key="foreign"),
)
