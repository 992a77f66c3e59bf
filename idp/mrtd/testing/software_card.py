"""A software card: the files of an identity card and the private key that its chip would hold.

As a file it is JSON: ``sod``, ``dg1``, ``dg13``, ``dg14`` (when there is one) and ``dg15`` in
base64url, ``private_key`` in PKCS #8 PEM, and ``digest``, with which an RSA chip signs.
"""

import hashlib
import json
import secrets
from dataclasses import dataclass, field
from datetime import date

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa, utils

from idp.core.handles import b64url, b64url_decode
from idp.core.person import BirthDate, Name, Sex
from idp.core.personal_number import PersonalNumber
from idp.mrtd import active_auth, dg13, dg14, dg15, iso9796, lds, mrz, names
from idp.mrtd.errors import MRTDError, malformed
from idp.mrtd.lds import CardFiles
from idp.mrtd.signatures import HASHES
from idp.mrtd.testing.authority import Authority, PrivateKey, private_pem

MAX_FILE = 64 * 1024
DATA_GROUPS = (1, 13, 14, 15)
_SEX_WORDS = {Sex.MALE: "Nam", Sex.FEMALE: "Nữ", Sex.OTHER: "Khác"}


@dataclass(frozen=True, slots=True, repr=False)
class CardDetails:
    """What is put on a card: plain values, checked by their own types."""

    number: PersonalNumber
    name: Name
    birth_date: BirthDate
    sex: Sex
    issued_on: date
    expires_on: date | None
    residence: str = ""
    former_number: str = ""


@dataclass(frozen=True, slots=True)
class SoftwareCard:
    """A card that a simulated reader can present. ``digest`` is hashlib's name."""

    files: CardFiles
    key: PrivateKey = field(repr=False)
    digest: str = "sha256"

    def sign(self, challenge: bytes) -> bytes:
        """The chip's answer to INTERNAL AUTHENTICATE with ``challenge``."""
        if isinstance(self.key, rsa.RSAPrivateKey):
            return sign_iso9796(self.key, challenge, self.digest)
        return sign_plain_ecdsa(self.key, challenge, self.digest)

    def to_json(self) -> str:
        """The card as a file, private key included."""
        groups = {
            f"dg{number}": b64url(data) for number, data in sorted(self.files.data_groups.items())
        }
        members = {"sod": b64url(self.files.sod)} | groups
        key = private_pem(self.key).decode("ascii")
        return json.dumps(members | {"private_key": key, "digest": self.digest}, indent=2)

    @classmethod
    def from_json(cls, text: str) -> "SoftwareCard":
        """The card that :meth:`to_json` wrote.

        Raises:
            MRTDError: card-file-malformed, or file-too-large.
        """
        if len(text) > MAX_FILE:
            raise MRTDError("file-too-large")
        with malformed("card-file-malformed"):
            members = json.loads(text)
            groups = {
                number: b64url_decode(members[f"dg{number}"])
                for number in DATA_GROUPS
                if f"dg{number}" in members
            }
            key = serialization.load_pem_private_key(members["private_key"].encode("ascii"), None)
            if not isinstance(key, PrivateKey) or members["digest"] not in HASHES:
                raise MRTDError("card-file-malformed")
            return cls(CardFiles(b64url_decode(members["sod"]), groups), key, members["digest"])


def issue_card(
    authority: Authority, details: CardDetails, *, key: PrivateKey | None = None, digest: str = ""
) -> SoftwareCard:
    """A card from ``authority``; the chip's key is P-256 unless given, ``digest`` by the key."""
    chip_key = key or ec.generate_private_key(ec.SECP256R1())
    public = chip_key.public_key()
    info = public.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    groups = {1: build_dg1(details), 13: build_dg13(details), 15: dg15.build(info)}
    if isinstance(public, ec.EllipticCurvePublicKey):
        digest = digest or active_auth.digest_for(public)
        groups[14] = dg14.build(digest)
    return SoftwareCard(CardFiles(authority.sign(groups), groups), chip_key, digest or "sha256")


def build_dg1(details: CardDetails) -> bytes:
    """The machine readable zone of a card for ``details``."""
    born, expires = details.birth_date, details.expires_on
    parts = (f"{part:02}" if part else "<<" for part in (born.month, born.day))
    zone = mrz.Td1(
        document_code="ID",
        issuing_state="VNM",
        document_number=details.number.digits[-9:],
        optional_data=details.number.digits,
        birth_date=f"{born.year % 100:02}" + "".join(parts),
        sex=details.sex,
        expiry=expires.strftime("%y%m%d") if expires else mrz.NO_EXPIRY,
        nationality="VNM",
        optional_data_2="",
        name=names.printed_name(details.name.full),
    )
    return lds.build_dg1(zone)


def build_dg13(details: CardDetails) -> bytes:
    """The Vietnamese details of a card, the fields that are known."""
    born = details.birth_date
    parts = [f"{part:02}" for part in (born.day, born.month) if part]
    fields = {
        dg13.NUMBER: details.number.digits,
        dg13.NAME: details.name.full,
        dg13.BIRTH_DATE: "/".join([*parts, f"{born.year:04}"]),
        dg13.SEX: _SEX_WORDS[details.sex],
        dg13.NATIONALITY: "Việt Nam",
        dg13.RESIDENCE: details.residence,
        dg13.ISSUED: details.issued_on.strftime("%d/%m/%Y"),
        dg13.EXPIRES: details.expires_on.strftime("%d/%m/%Y") if details.expires_on else "",
        dg13.FORMER_NUMBER: details.former_number,
    }
    return dg13.build({number: value for number, value in fields.items() if value})


def sign_iso9796(
    key: rsa.RSAPrivateKey, challenge: bytes, digest: str, trailer: bytes | None = None
) -> bytes:
    """Scheme 1 of ISO/IEC 9796-2 with partial recovery, under the trailer of ``digest``."""
    trailer = trailer or iso9796.TRAILERS[digest]
    size = key.key_size // 8
    recoverable = size - 1 - hashlib.new(digest).digest_size - len(trailer)
    filling = secrets.token_bytes(recoverable)
    signed = hashlib.new(digest, filling + challenge).digest()
    block = int.from_bytes(bytes([iso9796.HEADER]) + filling + signed + trailer)
    numbers = key.private_numbers()
    return pow(block, numbers.d, numbers.public_numbers.n).to_bytes(size)


def sign_plain_ecdsa(key: ec.EllipticCurvePrivateKey, challenge: bytes, digest: str) -> bytes:
    """ECDSA as r ‖ s, each as long as the order (BSI TR-03111 §5.2.1)."""
    r, s = utils.decode_dss_signature(key.sign(challenge, ec.ECDSA(HASHES[digest])))
    size = (key.key_size + 7) // 8
    return r.to_bytes(size) + s.to_bytes(size)
