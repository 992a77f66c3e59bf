"""oidcc-backchannel-rp-initiated-logout-certification-test-plan: tests named like its modules."""

import json
import time
from typing import Any
from urllib.parse import parse_qs

import jwt

from tests.conformance.leaving import came, log_out, party, sent_back, served
from tests.conformance.live import Provider
from tests.conformance.suite import CITIZEN, SKEW, Browser, Callback

EVENT = "http://schemas.openid.net/event/backchannel-logout"


def test_oidcc_backchannel_logout_discovery_endpoint_verification(metadata: dict[str, Any]) -> None:
    assert metadata["backchannel_logout_supported"] is True
    assert metadata["backchannel_logout_session_supported"] is True
    assert metadata["end_session_endpoint"].startswith("https://")


def test_oidcc_backchannel_rp_initiated_logout(
    op: Provider, browser: Browser, metadata: dict[str, Any], jwks: jwt.PyJWKSet
) -> None:
    with served(op) as server:
        rp = party(
            op,
            server,
            browser,
            metadata,
            jwks,
            backchannel_logout_uri=server.url("/backchannel_logout"),
            backchannel_logout_session_required=True,
        )
        tokens = rp.exchange(rp.authorize())
        at = log_out(rp, tokens)
        assert isinstance(at, Callback)
        head, _, body = came(server, "/backchannel_logout").partition(b"\r\n\r\n")
        assert head.startswith(b"POST ")
        assert b"\r\ncontent-type: application/x-www-form-urlencoded" in head.lower()
        form = parse_qs(body.decode("ascii"), strict_parsing=True)
        assert form.keys() == {"logout_token"}
        (token,) = form["logout_token"]
        header = jwt.get_unverified_header(token)
        assert (header["alg"], header["typ"]) == ("RS256", "logout+jwt")
        claims = jwt.decode(
            token,
            jwks[header["kid"]],
            algorithms=["RS256"],
            audience=rp.client["client_id"],
            issuer=metadata["issuer"],
            leeway=SKEW,
            options={"require": ["iss", "aud", "iat", "exp", "jti", "events"]},
        )
        assert claims["events"] == {EVENT: {}}
        assert claims["sub"] == tokens.id_token["sub"]
        assert claims["sid"] == tokens.id_token["sid"]
        assert "nonce" not in claims
        assert abs(time.time() - claims["iat"]) < 60
        assert claims["exp"] - claims["iat"] <= 120
        sent_back(rp, at.url)


def test_an_operator_ends_a_session_and_sees_that_the_relying_party_was_told(
    op: Provider, browser: Browser, metadata: dict[str, Any], jwks: jwt.PyJWKSet
) -> None:
    """Beside the plan: ``idp session revoke``, and ``idp logout list`` afterwards."""
    with served(op) as server:
        uri = server.url("/backchannel_logout")
        rp = party(op, server, browser, metadata, jwks, backchannel_logout_uri=uri)
        tokens = rp.exchange(rp.authorize())
        known = json.loads(op.idp("session", "list", CITIZEN, "--format", "json"))
        newest = max(known, key=lambda each: (each["started_at"], each["seen_at"]))
        op.idp("session", "revoke", newest["sid"])
        came(server, "/backchannel_logout")
        asked = ("logout", "list", "--client", rp.client["client_id"], "--format", "json")
        (row,) = json.loads(op.idp(*asked))
        assert row["sid"] == tokens.id_token["sid"]
        assert row["tries"] <= 1
