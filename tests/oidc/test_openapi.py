"""The OpenAPI description: it is valid, and says exactly which endpoints programs may call."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from schemathesis.specs.openapi.definitions import OPENAPI_31
from werkzeug.test import Client

from idp.app import Application, create_app
from idp.keystore.file import rotate
from idp.keystore.rotation import Policy
from idp.keystore.settings import KeysSection
from idp.oidc.provider import PARTS
from idp.settings import Settings
from idp.storage.database import open_database
from idp.storage.schema import upgrade
from idp.web import assets

NOW = 1_800_000_000
SCHEMA = "https://json-schema.org/draft/2020-12/schema"


@pytest.fixture(scope="module", params=[False, True], ids=["plain", "sandbox"])
def app(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    directory: Path = tmp_path_factory.mktemp("openapi")
    keys = directory / "keys"
    keys.mkdir(mode=0o700)
    rotate(keys, NOW, Policy())
    settings = Settings(
        sandbox=request.param, state_directory=directory, keys=KeysSection(directory=keys)
    )
    database = open_database(settings.database_url)
    upgrade(database)
    database.close()
    made = create_app(settings)
    yield made
    made.close()


@pytest.fixture(scope="module")
def described(app: Application) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Client(app).get("/openapi.json").data)
    return found


def rules(app: Application) -> dict[str, set[str]]:
    """What programs may call, as OpenAPI spells paths, and by which methods."""
    return {
        rule.replace("<path:", "<").replace("<", "{").replace(">", "}"): {
            each.lower() for each in route.methods
        }
        for rule, route in app.routes.items()
        if not route.html and rule != assets.PATH  # which is what pages are made of
    }


def test_every_endpoint_that_is_no_page_is_described_and_nothing_else(
    app: Application, described: dict[str, Any]
) -> None:
    assert described["paths"].keys() == rules(app).keys()


def test_methods_are_those_that_are_answered(app: Application, described: dict[str, Any]) -> None:
    for path, methods in rules(app).items():
        meant = {name for name in described["paths"][path] if name not in ("parameters", "summary")}
        assert meant == methods - {"options", "head"}, path


def test_variable_parts_of_paths_are_parameters(described: dict[str, Any]) -> None:
    for path, item in described["paths"].items():
        named = {each["name"] for each in item.get("parameters", ()) if each["in"] == "path"}
        assert named == {part[1:-1] for part in path.split("/") if part.startswith("{")}, path


def test_it_is_what_the_specification_calls_a_description(described: dict[str, Any]) -> None:
    validator = jsonschema_rs.Draft202012Validator(OPENAPI_31)
    assert [each.message for each in validator.iter_errors(described)] == []


def test_every_schema_is_one(described: dict[str, Any]) -> None:
    found = [each["schema"] for each in walk(described) if "schema" in each]
    assert len(found) > 40
    for each in found:
        whole = {"$schema": SCHEMA, **each, "components": described["components"]}
        jsonschema_rs.meta.validate(whole)
        jsonschema_rs.validator_for(whole)  # whose patterns can be read


def test_every_reference_leads_somewhere(described: dict[str, Any]) -> None:
    found = [each["$ref"] for each in walk(described) if "$ref" in each]
    assert found
    for each in found:
        target: Any = described
        for step in each.removeprefix("#/").split("/"):
            target = target[step]


def test_every_way_to_authenticate_is_told_of(described: dict[str, Any]) -> None:
    schemes = described["components"]["securitySchemes"].keys()
    used = {
        name
        for each in walk(described["paths"])
        for alternative in each.get("security", ())
        for name in alternative
    }
    assert used == schemes


def test_no_path_is_described_twice() -> None:
    paths = [path for part in PARTS for path in part.paths]
    assert len(paths) == len(set(paths))


def walk(value: Any) -> Iterator[dict[str, Any]]:
    """Every object in ``value``."""
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from walk(each)
