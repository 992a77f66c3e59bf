"""Public keys of documents and certificates: SubjectPublicKeyInfo, RFC 5280 §4.1.2.7, RFC 5480."""

from typing import TypeAlias

from asn1crypto.keys import ECDomainParameters, PublicKeyInfo
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from idp.mrtd import tlv
from idp.mrtd.curves import CURVES, DOMAINS, Domain, curve_of
from idp.mrtd.errors import MRTDError, malformed

PublicKey: TypeAlias = rsa.RSAPublicKey | ec.EllipticCurvePublicKey

MAX_EXPONENT_BITS = 64
MAX_MODULUS_BITS = 8192
_RSA = frozenset({"1.2.840.113549.1.1.1", "1.2.840.113549.1.1.10"})
_EC = frozenset({"1.2.840.10045.2.1", "1.3.132.1.12"})
_NAMED = {
    "1.2.840.10045.3.1.1": "secp192r1",
    "1.3.132.0.33": "secp224r1",
    "1.2.840.10045.3.1.7": "secp256r1",
    "1.3.132.0.34": "secp384r1",
    "1.3.132.0.35": "secp521r1",
    "1.3.36.3.3.2.8.1.1.7": "brainpoolP256r1",
    "1.3.36.3.3.2.8.1.1.11": "brainpoolP384r1",
    "1.3.36.3.3.2.8.1.1.13": "brainpoolP512r1",
}


def parse(data: bytes) -> PublicKey:
    """The key in a SubjectPublicKeyInfo.

    Raises:
        MRTDError: key-malformed, or key-unsupported for a kind or curve that is not known.
    """
    with malformed("key-malformed"):
        info = PublicKeyInfo.load(tlv.check_structure(data), strict=True)
        algorithm = info["algorithm"]["algorithm"].dotted
        # The BIT STRING's own octets: its first tells how many bits are unused, none here.
        bits = info["public_key"].contents
        if bits[:1] != b"\0":
            raise MRTDError("key-malformed")
        if algorithm in _RSA:
            return _rsa(bits[1:])
        if algorithm in _EC:
            return _ec(info["algorithm"]["parameters"], bits[1:])
    raise MRTDError("key-unsupported")


def _rsa(data: bytes) -> rsa.RSAPublicKey:
    modulus, exponent = (each.integer() for each in tlv.read(data).children(tlv.SEQUENCE))
    small = exponent >= 3 and exponent.bit_length() <= MAX_EXPONENT_BITS
    if not (small and exponent % 2 and modulus % 2 and modulus.bit_length() <= MAX_MODULUS_BITS):
        raise MRTDError("key-malformed")
    return rsa.RSAPublicNumbers(exponent, modulus).public_key()


def _ec(parameters: ECDomainParameters, point: bytes) -> ec.EllipticCurvePublicKey:
    if parameters.name == "named":
        curve = CURVES.get(_NAMED.get(parameters.chosen.dotted, ""))
    elif parameters.name == "specified":
        curve = _specified(parameters)
    else:
        curve = None
    if curve is None:
        raise MRTDError("key-unsupported")
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(curve, point)
    except UnsupportedAlgorithm:  # this OpenSSL was built without the curve
        raise MRTDError("key-unsupported") from None


def _specified(parameters: ECDomainParameters) -> ec.EllipticCurve | None:
    domain = parameters.chosen
    if domain["field_id"]["field_type"].native != "prime_field":
        return None
    generator = domain["base"].contents
    size = len(generator) // 2
    if generator[:1] != b"\4" or len(generator) != 2 * size + 1:
        return None
    return curve_of(
        Domain(
            p=domain["field_id"]["parameters"].native,
            a=int.from_bytes(domain["curve"]["a"].contents),
            b=int.from_bytes(domain["curve"]["b"].contents),
            x=int.from_bytes(generator[1 : size + 1]),
            y=int.from_bytes(generator[size + 1 :]),
            n=domain["order"].native,
            # OPTIONAL in X9.62; where it is left out it follows from the rest, and is 1 in all.
            h=domain["cofactor"].native or 1,
        )
    )


def order(key: ec.EllipticCurvePublicKey) -> int:
    """The order of the key's group."""
    return DOMAINS[key.curve.name].n
