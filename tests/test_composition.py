"""The composition: what is composed is what is named, and no login ends without its answer."""

from pathlib import Path

from idp.composition import METHODS, FeatureSettings, compose
from idp.core.clock import FixedClock
from idp.keystore.file import KeyStore, rotate
from idp.keystore.rotation import Policy
from idp.oidc.clients.repository import ClientCache
from idp.oidc.settings import ProviderSettings
from idp.storage.database import metadata, open_database
from idp.storage.memory import MemoryStore
from tests.parts import deps, outside

ISSUER = "https://id.example.vn"


def test_every_method_that_a_login_has_is_built_and_every_end_is_answered(tmp_path: Path) -> None:
    clock, directory = FixedClock(1_800_000_000), tmp_path / "keys"
    rotate(directory, clock(), Policy(algs=("ES256",)))
    database = open_database(f"sqlite:///{tmp_path}/idp.db")
    with database.begin() as connection:
        metadata.create_all(connection)
    made = deps(database, MemoryStore(clock), clock, KeyStore(directory), ISSUER)
    composed = compose(
        made, outside(), FeatureSettings(ProviderSettings(ISSUER)), ClientCache(database)
    )
    assert tuple(each.method for each in composed.pages.methods.values()) == METHODS
    for each in composed.pages.methods.values():
        assert each.method.opens is (each.authenticator is not None)
        assert f"/login/<t>/{each.method.name}" in composed.routes
    endings = composed.services.desk.endings
    assert set(endings) == {"/authorize/resume", "/device/resume", "/ciba/resume"}
    assert set(endings) <= set(composed.routes)
    database.close()
