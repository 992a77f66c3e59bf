"""The claims parameter: OIDC Core §5.5, attack row B16."""

import json
import time

import pytest

from idp.oidc.authorization.claims_request import ClaimsRequest, parse
from idp.oidc.clients.model import Client, Text
from idp.oidc.errors import OAuthError

CLIENT = Client(
    client_id="portal",
    client_name=Text("Cổng"),
    sector="portal.example.vn",
    scope=("openid", "profile"),
)


def test_the_standards_own_example() -> None:
    asked = parse(
        """{"userinfo": {"given_name": {"essential": true}, "nickname": null,
                         "email": {"essential": true}, "picture": null,
                         "http://example.info/claims/groups": null},
            "id_token": {"auth_time": {"essential": true},
                         "acr": {"values": ["urn:vn:eid:level:2"]}}}""",
        CLIENT,
    )
    assert asked.userinfo == {"given_name"}
    assert asked.id_token == frozenset()
    assert asked.acr == ("urn:vn:eid:level:2",)
    assert "given_name" in asked.essential


def test_nothing_and_unknown_members_ask_for_nothing() -> None:
    assert parse("", CLIENT) == parse("{}", CLIENT) == ClaimsRequest()
    assert parse('{"id_token": null, "verified": {"name": null}}', CLIENT) == ClaimsRequest()


def test_one_value_of_acr() -> None:
    assert parse('{"id_token": {"acr": {"value": "x"}}}', CLIENT).acr == ("x",)


@pytest.mark.attack("B16")
@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        "null",
        '"x"',
        "\ud800",
        '{"userinfo": []}',
        '{"userinfo": {"name": 1}}',
        '{"userinfo": {"name": "x"}}',
        '{"userinfo": {}, "userinfo": {}}',
        '{"id_token": {"name": {"value": NaN}}}',
        '{"id_token": {"name": {"value": ' + "9" * 5_000 + "}}}",
        '{"userinfo":' * 3_000 + "{}" + "}" * 3_000,
        '{"id_token": {"acr": {"values": "x"}}}',
        '{"id_token": {"acr": {"values": [1]}}}',
        '{"id_token": {"acr": {"value": null}}}',
        '{"id_token": {"sub": {"value": "x"}}, "userinfo": {"sub": {"value": "y"}}}',
        json.dumps({"id_token": {"acr": {"values": ["x"] * 21}}}),
    ],
)
def test_B16_what_is_no_claims_request_is_refused_at_once(text: str) -> None:
    before = time.thread_time()
    with pytest.raises(OAuthError, match="invalid_request"):
        parse(text, CLIENT)
    assert time.thread_time() - before < 0.2


@pytest.mark.attack("B16")
def test_B16_a_claim_that_is_not_registered_is_passed_over() -> None:
    asked = parse('{"userinfo": {"pid": {"essential": true}, "name": null}}', CLIENT)
    assert asked.userinfo == {"name"}
