"""``idp card verify``: its answer, its exit codes, never a traceback."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from cryptography.hazmat.primitives.serialization import Encoding

from idp.cli import main
from idp.mrtd.testing.authority import SIGNER_TTL, Authority
from idp.mrtd.testing.software_card import issue_card
from tests.mrtd.forgery import CHALLENGE, DETAILS

DAY = 24 * 3600
PRODUCTION = {
    "IDP_ISSUER": "https://id.example.vn",
    "IDP_DATABASE__URL": "postgresql://db/idp",
    "IDP_REDIS__URL": "redis://redis",
    "IDP_SMS__URL": "https://sms.example.vn",
    "IDP_SMS__TOKEN": "token",
}


@pytest.fixture(autouse=True)
def deployment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings of a development deployment that holds no anchor yet."""
    monkeypatch.setenv("IDP_KEYS__DIRECTORY", str(tmp_path / "keys"))
    monkeypatch.setenv("IDP_TRUST__DIRECTORY", str(tmp_path / "configured"))


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority.found(int(time.time()))


@pytest.fixture
def folders(authority: Authority, tmp_path: Path) -> tuple[Path, Path]:
    """A folder with one chip's data, and a trust folder."""
    chip, trust = tmp_path / "chip", tmp_path / "trust"
    chip.mkdir()
    trust.mkdir()
    issued = issue_card(authority, DETAILS)
    (chip / "SOD.bin").write_bytes(issued.files.sod)
    for number, data in issued.files.data_groups.items():
        (chip / f"DG{number}.bin").write_bytes(data)
    (chip / "challenge.bin").write_bytes(CHALLENGE)
    (chip / "signature.bin").write_bytes(issued.sign(CHALLENGE))
    (trust / "csca.der").write_bytes(authority.csca_der())
    (trust / "README.md").write_text("not a certificate")
    return chip, trust


def _run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["card", "verify", *map(str, arguments)])


def _json(*arguments: str | Path, code: int) -> dict[str, Any]:
    result = _run(*arguments, "--format", "json")
    assert result.exit_code == code, result.output
    found: dict[str, Any] = json.loads(result.output)
    return found


def test_a_genuine_card(folders: tuple[Path, Path]) -> None:
    chip, trust = folders
    assert _json(chip, "--trust", trust, code=0) == {
        "accepted": True,
        "passive_authentication": "passed",
        "chain": "trusted",
        "data_groups": {"1": "match", "13": "match", "14": "match", "15": "match"},
        "active_authentication": "passed",
        "reasons": [],
    }
    result = _run(chip, "--trust", trust, "--format", "text")
    assert result.exit_code == 0
    assert result.output.splitlines()[0] == "accepted"


def test_a_card_of_an_unknown_authority(folders: tuple[Path, Path]) -> None:
    chip, _ = folders
    found = _json(chip, code=1)
    assert (found["accepted"], found["chain"]) == (False, "untrusted")
    result = _run(chip, "--format", "text")
    assert result.exit_code == 1
    assert "csca-unknown" in result.output
    assert result.output.startswith("NOT ACCEPTED")


@pytest.mark.parametrize("configured", ["configured", "keys/card-authority/trust"])
def test_without_a_folder_it_trusts_whom_logins_trust(
    folders: tuple[Path, Path], tmp_path: Path, configured: str
) -> None:
    chip, trust = folders
    (tmp_path / configured).parent.mkdir(parents=True, exist_ok=True)
    trust.rename(tmp_path / configured)
    assert _json(chip, code=0)["chain"] == "trusted"
    (tmp_path / configured / "broken.crl").write_bytes(b"not a list")
    assert "broken.crl" in _run(chip).stderr


def test_the_development_authority_is_not_trusted_in_production(
    folders: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chip, trust = folders
    (tmp_path / "keys" / "card-authority").mkdir(parents=True)
    trust.rename(tmp_path / "keys" / "card-authority" / "trust")
    for name, value in PRODUCTION.items():
        monkeypatch.setenv(name, value)
    assert _json(chip, code=1)["reasons"] == ["csca-unknown"]


def test_bad_settings_stop_no_diagnosis_that_names_its_anchors(
    folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    chip, trust = folders
    monkeypatch.setenv("IDP_OTP__TRIES", "abc")
    assert _json(chip, "--trust", trust, code=0)["accepted"]
    result = _run(chip)
    assert result.exit_code == 2, "1 would say that the card is not accepted"
    assert "IDP_OTP__TRIES" in result.stderr


def test_the_chip_s_proof_is_needed_unless_it_is_any_document(folders: tuple[Path, Path]) -> None:
    chip, trust = folders
    (chip / "signature.bin").unlink()
    found = _json(chip, "--trust", trust, code=1)
    assert found["reasons"] == ["active-authentication-missing"]
    any_document = _json(chip, "--trust", trust, "--any-country", code=0)
    assert any_document["active_authentication"] == "not-performed"


def test_the_clock_can_be_set(folders: tuple[Path, Path]) -> None:
    chip, trust = folders
    today = time.strftime("%Y-%m-%d", time.localtime(time.time() + DAY))
    assert _json(chip, "--trust", trust, "--at", today, code=0)["chain"] == "trusted"
    after = time.strftime("%Y-%m-%d", time.localtime(time.time() + SIGNER_TTL + DAY))
    assert _json(chip, "--trust", trust, "--at", after, code=1)["chain"] == "expired"
    assert _json(chip, "--trust", trust, "--at", "2001-01-01", code=1)["chain"] == "expired"


def test_a_revoked_signer(folders: tuple[Path, Path], authority: Authority) -> None:
    chip, trust = folders
    serial = authority.signer.serial_number
    crl = authority.revocation_list(now=int(time.time()), number=1, serials=[serial])
    (trust / "VNM.crl").write_bytes(crl)
    found = _json(chip, "--trust", trust, code=1)
    assert (found["chain"], found["reasons"]) == ("revoked", ["signer-revoked"])


def test_anchors_in_pem(folders: tuple[Path, Path], authority: Authority) -> None:
    chip, trust = folders
    (trust / "csca.der").unlink()
    (trust / "csca.pem").write_bytes(authority.csca.public_bytes(Encoding.PEM))
    assert _json(chip, "--trust", trust, code=0)["accepted"]


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("SOD.bin", b""),
        ("SOD.bin", b"\x77\x80" * 5000),
        ("SOD.bin", bytes(100_000)),
        ("DG1.bin", b"\xff" * 93),
        ("DG1.bin", bytes(201)),
        ("DG13.bin", b""),
        ("DG15.bin", b"\x6f\x00"),
        ("DG16.bin", b"\x70\x00"),
        ("challenge.bin", b"1234567"),
        ("signature.bin", bytes(5000)),
    ],
)
def test_malformed_card_data_is_not_accepted(
    folders: tuple[Path, Path], name: str, data: bytes
) -> None:
    chip, trust = folders
    (chip / name).write_bytes(data)
    found = _json(chip, "--trust", trust, code=1)
    assert not found["accepted"]
    assert found["reasons"]


def test_an_unreadable_file_is_wrong_usage(folders: tuple[Path, Path]) -> None:
    chip, trust = folders
    (chip / "DG1.bin").unlink()
    (chip / "DG1.bin").mkdir()
    result = _run(chip, "--trust", trust)
    assert result.exit_code == 2
    assert "DG1.bin" in result.output
    (chip / "SOD.bin").unlink()
    assert _run(chip, "--trust", trust).exit_code == 2


@pytest.mark.parametrize("name", ["broken.der", "broken.cer", "broken.pem", "broken.crl", "a.ml"])
def test_a_trust_file_that_is_none_is_named(folders: tuple[Path, Path], name: str) -> None:
    chip, trust = folders
    (trust / name).write_bytes(b"not a certificate")
    result = _run(chip, "--trust", trust)
    assert result.exit_code == 2
    assert name in result.output
    assert "Traceback" not in result.output


@pytest.mark.parametrize(
    "arguments", [[], ["/nowhere"], [".", "--at", "yesterday"], [".", "--format", "xml"]]
)
def test_wrong_usage(arguments: list[str]) -> None:
    assert _run(*arguments).exit_code == 2
