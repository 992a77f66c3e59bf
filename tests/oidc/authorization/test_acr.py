"""Requested levels: a minimum, and several mean the lowest."""

from dataclasses import replace

import pytest

from idp.core.assurance import acr
from idp.oidc.authorization.acr import minimum_level
from idp.oidc.clients.model import Client, Text
from idp.oidc.errors import OAuthError

CLIENT = Client(client_id="portal", client_name=Text("Cổng"), sector="portal.example.vn")


@pytest.mark.parametrize(
    ("acr_values", "claim", "minimum", "level"),
    [
        ("", (), 1, 1),
        ("", (), 2, 2),
        (acr(2), (), 1, 2),
        (f"{acr(2)} {acr(1)}", (), 1, 1),
        (f"{acr(4)} {acr(1)}", (), 1, 1),
        (f"{acr(1)} {acr(2)}", (), 2, 2),
        ("urn:other", (acr(2),), 1, None),
        (f"urn:other {acr(2)}", (), 1, 2),
        (acr(1), (acr(2),), 1, 2),
        ("", (acr(1), acr(2)), 1, 1),
        ("", (acr(1),), 2, 2),
        (acr(3), (), 1, None),
        ("", (acr(4),), 1, None),
        (f"{acr(3)} {acr(4)}", (), 1, None),
        ("", (), 3, None),
        ("urn:vn:eid:level:٢", (), 1, None),
    ],
)
def test_the_level_of_a_request(
    acr_values: str, claim: tuple[str, ...], minimum: int, level: int | None
) -> None:
    client = replace(CLIENT, minimum_level=minimum)
    if level is not None:
        assert minimum_level(acr_values, claim, client) == level
        return
    with pytest.raises(OAuthError, match="unmet_authentication_requirements"):
        minimum_level(acr_values, claim, client)


def test_default_acr_values_stand_in_for_acr_values_only() -> None:
    client = replace(CLIENT, default_acr_values=(acr(2),))
    assert minimum_level("", (), client) == 2
    assert minimum_level(acr(1), (), client) == 1
