"""The OpenAPI description: it is valid, and says exactly which endpoints programs may call."""

from typing import Any

import pytest

from idp.oidc.provider import PARTS, endpoints
from idp.web.http import Request
from tests.oidc.world import World, body


@pytest.fixture
def described(world: World) -> dict[str, Any]:
    return body(world.call("/openapi.json", Request("GET", "/openapi.json")))


def test_every_endpoint_that_is_no_page_is_described_and_nothing_else(
    world: World, described: dict[str, Any]
) -> None:
    served = {
        each.path.replace("<", "{").replace(">", "}")
        for each in endpoints(world.services)
        if not each.route.html
    }
    assert served == described["paths"].keys()


def test_methods_are_those_that_are_answered(world: World, described: dict[str, Any]) -> None:
    for each in endpoints(world.services):
        if not each.route.html:
            item = described["paths"][each.path.replace("<", "{").replace(">", "}")]
            meant = {name for name in item if name not in ("parameters", "summary")}
            answered = {name.lower() for name in each.route.methods} - {"options", "head"}
            assert meant == answered, each.path


def test_every_reference_leads_somewhere(described: dict[str, Any]) -> None:
    def references(value: Any) -> list[str]:
        if isinstance(value, dict):
            own = [value["$ref"]] if "$ref" in value else []
            return own + [each for member in value.values() for each in references(member)]
        if isinstance(value, list):
            return [each for member in value for each in references(member)]
        return []

    found = references(described)
    assert found
    for each in found:
        target: Any = described
        for step in each.removeprefix("#/").split("/"):
            target = target[step]


def test_no_path_is_described_twice() -> None:
    paths = [path for part in PARTS for path in part.paths]
    assert len(paths) == len(set(paths))
