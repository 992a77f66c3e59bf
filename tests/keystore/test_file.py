"""Keys in a directory: private, atomic, reloaded."""

import hmac
import json
import stat
import threading
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from idp.core.errors import Unavailable
from idp.jose.jwe import decrypt, encrypt
from idp.jose.jwk import parse_jwk, thumbprint
from idp.jose.jwt import InvalidToken
from idp.keystore.file import (
    SECRETS,
    InvalidKeyStore,
    KeyStore,
    load,
    read_secret,
    revoke,
    rotate,
)
from idp.keystore.keyset import KeyState, SigningKey
from idp.keystore.rotation import DAY, Policy
from tests.stopwatch import Stopwatch

NOW = 1_800_000_000
POLICY = Policy(algs=("ES256",))


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    rotate(tmp_path / "keys", NOW, POLICY)
    return tmp_path / "keys"


def test_an_empty_directory_gets_keys_and_secrets_for_us_alone(directory: Path) -> None:
    assert [each.state for each in load(directory).keys] == [KeyState.CURRENT, KeyState.NEXT]
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert {stat.S_IMODE(each.stat().st_mode) for each in directory.iterdir()} == {0o600}
    store = KeyStore(directory)
    assert len({store.derive(name) for name in SECRETS}) == len(SECRETS)
    assert {len(store.derive(name)) for name in SECRETS} == {32}
    assert store.verification().keys[0].kid == store.signer("ES256").kid
    assert store.jwks() == load(directory).jwks()


def test_running_it_again_changes_nothing(directory: Path) -> None:
    before = {each.name: each.read_bytes() for each in directory.iterdir()}
    assert rotate(directory, NOW + 1, POLICY) == ()
    assert {each.name: each.read_bytes() for each in directory.iterdir()} == before


@pytest.mark.attack("I06")
def test_I06_a_rotation_reaches_a_running_process_within_a_second(directory: Path) -> None:
    watch = Stopwatch()
    store = KeyStore(directory, watch)
    before = store.signer("ES256").kid
    waiting = load(directory).find("ES256", KeyState.NEXT)[0].kid
    assert rotate(directory, NOW + DAY, POLICY, due=True)
    assert store.signer("ES256").kid == before
    watch.at += 1
    assert store.signer("ES256").kid == waiting
    assert {each["kid"] for each in store.jwks()["keys"]} >= {before, waiting}


def test_a_rotation_costs_only_the_keys_that_are_new(directory: Path) -> None:
    """An RSA key takes a tenth of a second, and there may be many retired ones."""
    watch = Stopwatch()
    store = KeyStore(directory, watch)
    before = {each.kid: each for each in store.keys.keys if isinstance(each, SigningKey)}
    assert rotate(directory, NOW + DAY, POLICY, due=True)
    watch.at += 1
    after = {each.kid: each for each in store.keys.keys if isinstance(each, SigningKey)}
    assert len(after) == len(before) + 1
    assert all(after[kid].signer is key.signer for kid, key in before.items())
    assert after == {each.kid: each for each in load(directory, store.keys).keys}
    watch.at += 1
    next(iter(directory.glob("*.pem"))).chmod(0o640)  # and yet each is looked at
    assert rotate_elsewhere(directory)
    with pytest.raises(Unavailable):
        _ = store.keys


def rotate_elsewhere(directory: Path) -> bool:
    """The state file is replaced, by whatever: a reader looks again."""
    state = directory / "keys.json"
    new = directory / "new"
    new.write_bytes(state.read_bytes())
    new.chmod(0o600)
    return bool(new.replace(state))


@pytest.mark.attack("I07")
def test_I07_a_revocation_reaches_a_running_process_and_the_key_is_deleted(
    directory: Path,
) -> None:
    watch = Stopwatch()
    store = KeyStore(directory, watch)
    bad = store.signer("ES256").kid
    revoke(directory, bad, NOW)
    watch.at += 1
    assert store.signer("ES256").kid != bad
    assert store.verification().find(bad, "ES256") is None
    assert not (directory / f"{bad}.pem").exists()
    with pytest.raises(LookupError):
        revoke(directory, bad, NOW)


@pytest.mark.attack("U11")
def test_U11_a_store_that_cannot_be_read_any_more_signs_nothing_and_heals(
    directory: Path,
) -> None:
    watch = Stopwatch()
    store = KeyStore(directory, watch)
    state = (directory / "keys.json").read_bytes()
    (directory / "keys.json").unlink()
    watch.at += 1
    for _ in range(2):
        with pytest.raises(Unavailable, match="keys"):
            store.signer("ES256")
    (directory / "keys.json").write_bytes(state)
    (directory / "keys.json").chmod(0o600)
    assert store.signer("ES256").alg == "ES256"


@pytest.mark.parametrize("name", [".", "keys.json", "*.pem", "pairwise.secret"])
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666])
def test_what_others_may_read_is_not_read(directory: Path, name: str, mode: int) -> None:
    path = next(directory.glob(name)) if "*" in name else directory / name
    path.chmod(mode | 0o100 if path.is_dir() else mode)
    with pytest.raises(InvalidKeyStore, match="open to others"):
        KeyStore(directory)


def _replace_current(directory: Path, key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> None:
    """Name another key as the current one."""
    kid = thumbprint(key.public_key())  # type: ignore[arg-type]
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path = directory / f"{kid}.pem"
    path.write_bytes(pem)
    path.chmod(0o600)
    state = json.loads((directory / "keys.json").read_text())
    state["keys"][0] |= {"kid": kid}
    (directory / "keys.json").write_text(json.dumps(state))


def test_a_key_of_another_curve_is_refused(directory: Path) -> None:
    _replace_current(directory, ec.generate_private_key(ec.SECP384R1()))
    with pytest.raises(InvalidKeyStore, match="strong"):
        load(directory)


def test_a_short_rsa_key_is_refused(directory: Path) -> None:
    _replace_current(directory, rsa.generate_private_key(65537, 2048))
    state = json.loads((directory / "keys.json").read_text())
    state["keys"][0]["alg"] = "RS256"
    (directory / "keys.json").write_text(json.dumps(state))
    with pytest.raises(InvalidKeyStore, match="strong"):
        load(directory)


def test_a_file_that_holds_another_key_is_refused(directory: Path) -> None:
    first, second = directory.glob("*.pem")
    first.write_bytes(second.read_bytes())
    with pytest.raises(InvalidKeyStore, match="another key"):
        load(directory)


@pytest.mark.parametrize(
    "state",
    [
        "",
        "[]",
        "{}",
        '{"keys": [{"kid": "../../etc/passwd", "alg": "ES256"}], "secrets": []}',
        '{"keys": [5], "secrets": []}',
        '{"keys": [], "keys": [], "secrets": []}',
    ],
)
def test_a_state_file_that_makes_no_sense_is_refused(directory: Path, state: str) -> None:
    (directory / "keys.json").write_text(state)
    with pytest.raises(InvalidKeyStore):
        load(directory)
    with pytest.raises(InvalidKeyStore):
        rotate(directory, NOW, POLICY)


@pytest.mark.parametrize("part", ["d", "dmp1", "dmq1", "iqmp"])
def test_a_damaged_rsa_key_is_refused(tmp_path: Path, part: str) -> None:
    """Its public half is whole, and it would sign wrongly."""
    rotate(tmp_path / "keys", NOW, Policy(algs=("RS256",)))
    path = next((tmp_path / "keys").glob("*.pem"))
    key = load_pem_private_key(path.read_bytes(), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    numbers = key.private_numbers()
    names = ("p", "q", "d", "dmp1", "dmq1", "iqmp")
    parts = {name: getattr(numbers, name) for name in names}
    parts[part] += 2
    damaged = rsa.RSAPrivateNumbers(**parts, public_numbers=numbers.public_numbers)
    broken = damaged.private_key(unsafe_skip_rsa_key_validation=True)
    path.write_bytes(broken.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    with pytest.raises(InvalidKeyStore):
        load(tmp_path / "keys")


def test_a_pem_that_is_none_is_refused_and_not_quoted(directory: Path) -> None:
    next(directory.glob("*.pem")).write_text("hush")
    with pytest.raises(InvalidKeyStore, match="not a private key") as caught:
        load(directory)
    assert "hush" not in str(caught.value)


@pytest.mark.attack("U12")
def test_U12_a_lost_secret_is_an_error_and_never_made_anew(directory: Path) -> None:
    (directory / "pairwise.secret").unlink()
    rotate(directory, NOW, POLICY)
    with pytest.raises(InvalidKeyStore, match=r"pairwise\.secret"):
        KeyStore(directory)
    (directory / "pairwise.secret").write_bytes(b"short")
    (directory / "pairwise.secret").chmod(0o600)
    with pytest.raises(InvalidKeyStore, match="32 bytes"):
        KeyStore(directory)


def test_a_key_belongs_to_its_purpose(directory: Path) -> None:
    store = KeyStore(directory)
    derived = {store.derive(each) for each in ("passkey", "wallet", *SECRETS)}
    assert len(derived) == len(SECRETS) + 2
    assert {len(each) for each in derived} == {32}
    assert KeyStore(directory).derive("passkey") == store.derive("passkey")


def test_an_upgrade_keeps_the_keys_of_the_first_release(directory: Path) -> None:
    store, login = KeyStore(directory), read_secret(directory, "login")
    for purpose in ("csrf", "ticket", "counter", "replay", "card", "device", "session-state"):
        assert store.derive(purpose) == login, purpose
    for purpose in ("refresh", "dpop-nonce"):
        assert store.derive(purpose) == read_secret(directory, "token"), purpose
    for name in SECRETS:
        assert store.derive(name) == read_secret(directory, name), name


def test_a_derived_key_is_hkdf_of_the_login_secret(directory: Path) -> None:
    expected = hmac.digest(read_secret(directory, "login"), b"idp passkey\x01", "sha256")
    assert KeyStore(directory).derive("passkey") == expected


def test_a_lost_state_file_costs_no_secret(directory: Path) -> None:
    before = read_secret(directory, "pairwise")
    (directory / "keys.json").unlink()
    with pytest.raises(InvalidKeyStore):
        KeyStore(directory)
    rotate(directory, NOW, POLICY)
    assert KeyStore(directory).derive("pairwise") == before


def test_no_store_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(InvalidKeyStore) as caught:
        KeyStore(tmp_path)
    assert "\n" not in str(caught.value)


def test_processes_that_start_together_make_one_set(tmp_path: Path) -> None:
    directory = tmp_path / "keys"
    start = threading.Barrier(8)
    seen: list[str] = []

    def run() -> None:
        start.wait(5)
        rotate(directory, NOW, POLICY)
        seen.append(KeyStore(directory).signer("ES256").kid)

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(seen) == 8
    assert len(set(seen)) == 1


def test_the_standard_policy_makes_every_algorithm(tmp_path: Path) -> None:
    rotate(tmp_path / "keys", NOW, Policy())
    store = KeyStore(tmp_path / "keys")
    assert {store.signer(alg).alg for alg in ("ES256", "RS256")} == {"ES256", "RS256"}
    uses = [(each["use"], each.get("alg")) for each in store.jwks()["keys"]]
    assert sorted(uses, key=str) == [
        ("enc", "RSA-OAEP-256"),
        ("enc", None),
        *[("sig", "ES256")] * 2,
        *[("sig", "RS256")] * 2,
    ]
    assert len(store.decryption()) == 4


def test_what_was_encrypted_before_a_rotation_is_still_read(tmp_path: Path) -> None:
    policy = Policy(algs=("ECDH-ES",))
    rotate(tmp_path / "keys", NOW, policy)
    before = KeyStore(tmp_path / "keys")
    (offered,) = before.jwks()["keys"]
    token = encrypt("a.b.c", parse_jwk(offered), alg="ECDH-ES", enc="A128GCM")
    rotate(tmp_path / "keys", NOW + DAY, policy, due=True)
    after = KeyStore(tmp_path / "keys")
    (newer,) = after.jwks()["keys"]
    assert newer["kid"] != offered["kid"]
    assert decrypt(token, after.decryption()) == "a.b.c"
    rotate(tmp_path / "keys", NOW + 2 * DAY, policy)
    with pytest.raises(InvalidToken):
        decrypt(token, KeyStore(tmp_path / "keys").decryption())


def test_keys_to_encrypt_to_never_sign_or_verify(tmp_path: Path) -> None:
    rotate(tmp_path / "keys", NOW, Policy(algs=("ES256", "ECDH-ES")))
    store = KeyStore(tmp_path / "keys")
    assert {each.alg for each in store.verification().keys} == {"ES256"}
    with pytest.raises(Unavailable):
        store.signer("ECDH-ES")
