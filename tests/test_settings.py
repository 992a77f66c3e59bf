"""Settings: where they come from, and what refuses to start."""

import json
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from idp.app import feature_settings, provider_settings
from idp.jose.jwk import Jwk
from idp.settings import InvalidSettings, load, variables
from idp.sources import SECRETS
from tests.certificates import authority, write

PRODUCTION = {
    "IDP_ISSUER": "https://id.example.vn",
    "IDP_DATABASE__URL": "postgresql://idp@db/idp",
    "IDP_REDIS__URL": "rediss://redis:6379",
    "IDP_KEYS__DIRECTORY": "/srv/keys",
    "IDP_TRUST__DIRECTORY": "/srv/trust",
    "IDP_SMS__URL": "https://sms.example.vn/send",
    "IDP_SMS__TOKEN": "token-of-the-gateway",
}


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of the machine the tests run on."""
    import os

    for name in os.environ:
        if name.startswith("IDP_"):
            monkeypatch.delenv(name)


@pytest.fixture
def production(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in PRODUCTION.items():
        monkeypatch.setenv(name, value)


def problems() -> tuple[str, ...]:
    with pytest.raises(InvalidSettings) as refused:
        load()
    return refused.value.problems


def test_development_needs_nothing() -> None:
    settings = load()
    assert settings.issuer == "http://localhost:8000"
    assert settings.database_url.startswith("sqlite:///")
    assert not settings.production


@pytest.mark.usefixtures("production")
def test_production_starts_with_what_it_needs() -> None:
    settings = load()
    assert settings.production
    assert settings.trust_directories == (Path("/srv/trust"),)


@pytest.mark.attack("U12")
@pytest.mark.usefixtures("production")
@pytest.mark.parametrize("missing", [name for name in PRODUCTION if name != "IDP_ISSUER"])
def test_U12_production_refuses_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    monkeypatch.delenv(missing)
    assert [each for each in problems() if each.startswith(f"{missing}:")]


@pytest.mark.attack("U12")
@pytest.mark.usefixtures("production")
def test_U12_production_refuses_a_switch_of_the_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDP_OUTBOUND__ALLOW_LOOPBACK", "true")
    assert problems() == ("IDP_OUTBOUND__ALLOW_LOOPBACK: is allowed in tests only.",)


@pytest.mark.attack("N06")
@pytest.mark.usefixtures("production")
def test_N06_production_refuses_open_registration(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDP_REGISTRATION__POLICY", "open")
    assert problems() == ("IDP_REGISTRATION__POLICY: open is allowed in a sandbox only.",)


def test_registration_is_closed_but_for_the_sandbox(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = feature_settings(load()).provider.registration
    assert (closed.policy, closed.reviewed) == ("closed", True)
    assert "pid" not in closed.scopes
    monkeypatch.setenv("IDP_SANDBOX", "true")
    sandbox = feature_settings(load()).provider.registration
    assert (sandbox.policy, sandbox.reviewed) == ("open", False)
    assert "pid" in sandbox.scopes
    monkeypatch.setenv("IDP_REGISTRATION__POLICY", "token")
    assert feature_settings(load()).provider.registration.policy == "token"


def test_pages_for_developers_are_whole_addresses_in_the_metadata(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("IDP_PRIVACY_URL", "/privacy")
    monkeypatch.setenv("IDP_TERMS_URL", "https://example.vn/terms")
    monkeypatch.setenv("IDP_DOCUMENTATION_URL", "https://example.vn/docs")
    found = provider_settings(load())
    assert found.policy_url == f"{load().issuer}/privacy"
    assert (found.terms_url, found.documentation_url) == (
        "https://example.vn/terms",
        "https://example.vn/docs",
    )


@pytest.mark.parametrize("url", ["javascript:alert(1)", "https://[", "ftp://example.vn/docs"])
def test_a_page_for_developers_that_is_no_web_address(
    monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("IDP_DOCUMENTATION_URL", url)
    assert problems() == ("IDP_DOCUMENTATION_URL: must be an https address or a path.",)


def test_the_issuer_of_software_statements_comes_with_its_keys(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "jwks.json"
    monkeypatch.setenv("IDP_REGISTRATION__SOFTWARE_STATEMENT_JWKS", str(file))
    assert any("set together" in each for each in problems())
    monkeypatch.setenv("IDP_REGISTRATION__SOFTWARE_STATEMENT_ISSUER", "https://s.example.vn")
    assert "cannot be read" in problems()[0]
    file.write_text('{"keys": []}', "utf-8")
    assert "no supported key" in problems()[0]
    key = Jwk("s", ec.generate_private_key(ec.SECP256R1()).public_key()).export()
    file.write_text(json.dumps({"keys": [key]}), "utf-8")
    given = feature_settings(load()).provider.registration
    assert given.statement_issuer == "https://s.example.vn"
    assert given.statement_keys.keys[0].kid == "s"


def test_an_authority_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDP_OUTBOUND__CA_FILE", "/nowhere/ca.pem")
    assert problems() == ("IDP_OUTBOUND__CA_FILE: cannot be read: No such file or directory.",)


@pytest.mark.parametrize("section", ["REGISTRY", "SMS"])
def test_files_that_no_service_could_be_called_with(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, section: str
) -> None:
    (tmp_path / "garbage").write_bytes(b"garbage")
    certificate, key = write(tmp_path, "ours", authority())
    for ca, ours in ((tmp_path / "garbage", key), (tmp_path, tmp_path / "garbage")):
        monkeypatch.setenv(f"IDP_{section}__CA_FILE", str(ca))
        monkeypatch.setenv(f"IDP_{section}__CERTIFICATE_FILE", str(ours))
        names = [each.split(": ")[0] for each in problems()]
        assert names == [
            f"IDP_{section}__CA_FILE",
            f"IDP_{section}__CERTIFICATE_FILE and _PRIVATE_KEY_FILE",
        ]
    monkeypatch.setenv(f"IDP_{section}__CA_FILE", str(certificate))
    monkeypatch.setenv(f"IDP_{section}__CERTIFICATE_FILE", str(certificate))
    monkeypatch.setenv(f"IDP_{section}__PRIVATE_KEY_FILE", str(key))
    load()


def test_authorities_of_client_certificates(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert provider_settings(load()).client_authorities == ()
    monkeypatch.setenv("IDP_MTLS__CA_FILE", str(tmp_path / "ca.pem"))
    assert "IDP_MTLS__CA_FILE: cannot be read" in problems()[0]
    (tmp_path / "ca.pem").write_text("no certificate", "utf-8")
    assert "IDP_MTLS__CA_FILE: cannot be read" in problems()[0]
    pair = authority()
    write(tmp_path, "ca", pair)
    assert provider_settings(load()).client_authorities == (pair[0],)


@pytest.mark.parametrize(
    "origin", ["http://mtls.example.vn", "https://mtls.example.vn/", "mtls.example.vn", "https://"]
)
def test_an_origin_for_client_certificates(monkeypatch: pytest.MonkeyPatch, origin: str) -> None:
    monkeypatch.setenv("IDP_MTLS__ORIGIN", "https://mtls.example.vn:8443")
    assert provider_settings(load()).mtls_origin == "https://mtls.example.vn:8443"
    monkeypatch.setenv("IDP_MTLS__ORIGIN", origin)
    assert "IDP_MTLS__ORIGIN" in problems()[0]


def test_every_problem_is_reported_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDP_ISUER", "https://id.example.vn")
    monkeypatch.setenv("IDP_OTP__TTL", "soon")
    monkeypatch.setenv("IDP_OTP__TRYS", "5")
    monkeypatch.setenv("IDP_TRUSTED_PROXIES", "10.0.0.0/8,nonsense")
    said = "\n".join(problems())
    for name in ("IDP_ISUER", "IDP_OTP__TTL", "IDP_OTP__TRYS", "IDP_TRUSTED_PROXIES"):
        assert name in said


@pytest.mark.usefixtures("production")
def test_what_is_wrong_hides_nothing_that_is_wrong_too(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_bytes(b"\xff")
    for name, value in {
        "IDP_ISSUER": "ftp://x",
        "IDP_CONFIG": str(tmp_path / "nothing.toml"),
        "IDP_DATABASE__URL": "mysql://x",
        "IDP_REDIS__URL": "",
        "IDP_REDIS__URL_FILE": str(tmp_path / "secret"),
        "IDP_MANAGEMENT__BIND": "foo",
        "IDP_OTP__TRIES": "abc",
        "IDP_SMS": "{}",
        "IDP_SMS__URL": "",
        "IDP_MTLS__CA_FILE": str(tmp_path),
        "IDP_TRUSTED_PROXIES": "nonsense",
    }.items():
        monkeypatch.setenv(name, value)
    names = [
        each.removeprefix("Unknown setting ").rstrip(".").partition(":")[0] for each in problems()
    ]
    assert sorted(names) == [
        "IDP_CONFIG",
        "IDP_DATABASE__URL",
        "IDP_ISSUER",
        "IDP_MANAGEMENT__BIND",
        "IDP_MTLS__CA_FILE",
        "IDP_OTP__TRIES",
        "IDP_REDIS__URL",
        "IDP_SMS",
        "IDP_SMS__URL",
        "IDP_TRUSTED_PROXIES",
    ]


@pytest.mark.parametrize("content", [None, b"", b"\xff\x00", b"[otp\n", b"otp = 3\n"])
def test_a_settings_file_that_is_none_is_a_problem(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes | None
) -> None:
    file = tmp_path / "idp.toml"
    monkeypatch.setenv("IDP_CONFIG", str(file))
    monkeypatch.setenv("IDP_OTP__TTL", "soon")
    if content is not None:
        file.write_bytes(content)
    said = problems()
    assert any("IDP_OTP" in each for each in said)
    assert any("IDP_CONFIG" in each for each in said) or content in (b"", b"otp = 3\n")


@pytest.mark.parametrize(
    ("name", "values", "said"),
    [
        (
            "IDP_DATABASE__URL",
            (
                *("mysql://u:hunter2@h/d", "nonsense", "postgresql://u:hunter2@h:x/d"),
                *("://hunter2", "foo+bar://hunter2", "postgresql+asyncpg2://hunter2:x"),
            ),
            "a database is sqlite:///path or postgresql://user@host/name.",
        ),
        ("IDP_DATABASE__URL", ("sqlite://", "sqlite:///:memory:"), "a SQLite database is a file"),
        (
            "IDP_REDIS__URL",
            (
                *("http://hunter2", "nonsense", "redis://h:hunter2", "redis://h:99999", "redis:/h"),
                *("redis+nothing://h:1/hunter2", "redis+cluster://hunter2", "http+cluster://h:1"),
                *("redis+sentinel://h:1", "redis://[h", "redis://h/0?socket_timeout=hunter2"),
            ),
            "Redis is redis://host:port,",
        ),
        (
            "IDP_MANAGEMENT__BIND",
            ("foo", "foo:", ":9", "127.0.0.1:99999", "h:x", "[h:1", "h:1/p", "u@h:1", "http://h:1"),
            "must be host:port.",
        ),
    ],
)
def test_an_address_of_another_kind_is_refused_and_not_quoted(
    monkeypatch: pytest.MonkeyPatch, name: str, values: tuple[str, ...], said: str
) -> None:
    for value in values:
        monkeypatch.setenv(name, value)
        (problem,) = problems()
        assert problem.startswith(f"{name}: {said}"), value
        assert "hunter2" not in problem


@pytest.mark.parametrize(
    "url",
    [
        *("redis://h", "rediss://u:p@h:1/2", "unix:///run/redis.sock?db=1"),
        *("redis+sentinel://h:1,h:2/name", "rediss+cluster://u:p@h:1,h:2"),
    ],
)
def test_an_address_of_redis(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("IDP_REDIS__URL", url)
    assert load().redis_url == url


def test_postgresql_without_its_driver_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("IDP_DATABASE__URL", "postgresql://idp@db/idp")
    monkeypatch.setattr(sys, "path", [])
    monkeypatch.delitem(sys.modules, "psycopg", raising=False)
    assert problems() == (
        "IDP_DATABASE__URL: PostgreSQL needs psycopg: pip install '.[postgres]'.",
    )


@pytest.mark.parametrize(
    "issuer",
    [
        "https://[",
        "https://id.example.vn:port",
        "https://u:p@id.example.vn",
        "http://id.example.vn",
        "https://id.example.vn/",
        "https://id.example.vn/path",
        "https://id.example.vn?query",
        "https://",
        "ftp://localhost",
        "id.example.vn",
    ],
)
def test_an_issuer_is_an_https_origin(monkeypatch: pytest.MonkeyPatch, issuer: str) -> None:
    monkeypatch.setenv("IDP_SANDBOX", "true")
    monkeypatch.setenv("IDP_ISSUER", issuer)
    assert any(each.startswith("IDP_ISSUER: must be https") for each in problems())


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]", "idp.localhost"])
def test_http_is_for_loopback(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    monkeypatch.setenv("IDP_ISSUER", f"http://{host}:8000")
    assert not load().production


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_may_stand_in_a_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    secret = ("postgresql" if name == "DATABASE__URL" else "redis") + "://:password@host"
    (tmp_path / "secret").write_text(f"{secret}\n")
    monkeypatch.setenv(f"IDP_{name}_FILE", str(tmp_path / "secret"))
    section, field = name.lower().split("__")
    found = getattr(getattr(load(), section), field)
    assert found.get_secret_value() == secret


def test_secrets_may_stand_in_a_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "IDP_DATABASE__URL").write_text("postgresql://u:p@h/d\n")
    monkeypatch.setenv("IDP_SECRETS_DIRECTORY", str(tmp_path))
    assert load().database_url == "postgresql://u:p@h/d"


def test_a_secret_file_that_is_not_there_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDP_SECRETS_DIRECTORY", "/nowhere/at/all")
    assert problems() == ("IDP_SECRETS_DIRECTORY: /nowhere/at/all is not a folder.",)
    monkeypatch.delenv("IDP_SECRETS_DIRECTORY")
    monkeypatch.setenv("IDP_DATABASE__URL_FILE", "/nowhere/at/all")
    assert "cannot be read" in problems()[0]


def test_the_environment_comes_before_the_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "idp.toml"
    file.write_text('hotline = "1900 0000"\n[otp]\ntries = 4\nttl = 60\n')
    monkeypatch.setenv("IDP_CONFIG", str(file))
    monkeypatch.setenv("IDP_OTP__TTL", "120")
    settings = load()
    assert (settings.otp.tries, settings.otp.ttl, settings.hotline) == (4, 120, "1900 0000")


def test_a_misspelt_member_of_the_file_is_a_problem(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "idp.toml"
    file.write_text("[otp]\ntrys = 4\n")
    monkeypatch.setenv("IDP_CONFIG", str(file))
    assert problems() == ("IDP_OTP__TRYS: Extra inputs are not permitted.",)


def test_a_problem_does_not_quote_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDP_SMS__URL", "http://user:hunter2@gateway")
    assert "hunter2" not in "\n".join(problems())


def test_settings_do_not_show_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDP_DATABASE__URL", "postgresql://u:hunter2@h/d")
    assert "hunter2" not in repr(load())
    assert "hunter2" not in load().model_dump_json()


def test_every_setting_says_what_it_is() -> None:
    assert all(field.description for _, field in variables())
