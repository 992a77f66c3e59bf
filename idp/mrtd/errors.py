"""The one exception that bad card data raises, and every reason it can give.

A reason is a stable machine word: for the audit log and for ``idp card verify``, never for the
citizen or the relying party.
"""

from collections.abc import Iterator
from contextlib import contextmanager

REASONS = {
    # Files
    "file-too-large": "a file is larger than this kind of file may be",
    "tlv-malformed": "not the DER encoding that the standard asks for",
    "dg-malformed": "a data group does not begin with its own tag",
    "dg1-malformed": "the machine readable zone is not three lines of thirty characters of TD1",
    "mrz-characters": "the machine readable zone holds a character outside A-Z, 0-9 and <",
    "mrz-check-digit": "a check digit of the machine readable zone is wrong",
    "mrz-date": "a date of the machine readable zone does not exist",
    "dg13-malformed": "DG13 is not the Vietnamese list of numbered fields",
    "dg13-number": "DG13 has no personal number of 12 digits",
    "dg13-name": "DG13 has no name, or one with characters that no name has",
    "dg13-birth-date": "DG13 has no date of birth, or one that does not exist",
    "dg14-malformed": "DG14 is not a set of security infos",
    # Keys and signatures
    "key-malformed": "a public key is not one: off its curve, or no modulus and exponent",
    "key-unsupported": "a public key of a kind or on a curve that is not known",
    "key-weak": "a public key is shorter than the policy asks for",
    "algorithm-unsupported": "a signature or digest algorithm that is not known",
    "algorithm-inconsistent": "digest, signature algorithm and key do not belong together",
    "hash-weak": "a digest algorithm that the policy does not accept",
    "pss-salt-short": "an RSASSA-PSS salt shorter than its digest",
    # Document security object
    "sod-malformed": "EF.SOD is not a CMS SignedData of version 3 with a security object",
    "sod-content-type": "the signed content does not call itself an LDS security object",
    "sod-signers": "EF.SOD does not have exactly one signer",
    "sod-signed-attributes": "the signed attributes are missing, doubled or not DER",
    "sod-digest": "the signed digest is not that of the security object",
    "sod-signature": "the document signer did not sign this security object",
    "sod-signer-unknown": "the document signer's certificate is not in EF.SOD",
    "dg-duplicate": "the security object lists a data group twice, or one that cannot be",
    "dg-mismatch": "a data group is not the one that was signed",
    "dg-not-signed": "a data group was sent that the security object does not list",
    "dg-missing": "a data group that is needed, or that the security object lists, was not sent",
    # Certificates
    "certificate-malformed": "a certificate is not one",
    "signer-not-allowed": "the document signer's certificate is not made for signing documents",
    "signer-signature": "the country signing certificate did not sign the document signer's",
    "signer-expired": "the document signer's certificate is not valid now",
    "signer-revoked": "the issuing State revoked the document signer's certificate",
    "csca-unknown": "no country signing certificate that we hold issued the document signer's",
    "csca-not-ca": "the country signing certificate may not sign certificates",
    "csca-expired": "the country signing certificate is not valid now",
    "csca-revoked": "the issuing State revoked the country signing certificate",
    "country": "document, document signer and country signing certificate are not of one country",
    "crl-malformed": "a certificate revocation list is not one, or is of a kind not known",
    "crl-signature": "no country signing certificate that we hold signed the revocation list",
    "crl-missing": "there is no revocation list of the issuing State",
    "crl-older": "the revocation list is older than the one held",
    "crl-expired": "the revocation list of the issuing State is too old",
    "master-list-malformed": "not a signed CSCA master list",
    # Active authentication
    "challenge": "the challenge is not eight random bytes",
    "active-authentication-missing": "no challenge that the chip has signed",
    "active-authentication": "the chip did not sign the challenge with the document's key",
    # Identity
    "number-mismatch": "DG1 and DG13 do not hold one personal number",
    "document-number-mismatch": "the document number is not the end of the personal number",
    "name-mismatch": "DG1 and DG13 do not hold one name",
    "birth-date-mismatch": "DG1 and DG13 do not hold one date of birth",
    "document-expired": "the document has expired",
    # Software cards
    "card-file-malformed": "not a software card file",
}


class MRTDError(Exception):
    """Card data that is refused. ``reason`` is a key of :data:`REASONS`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    @property
    def sentence(self) -> str:
        """The reason for a person who diagnoses a card."""
        return REASONS[self.reason]


@contextmanager
def malformed(reason: str) -> Iterator[None]:
    """Turn every way in which parsing can fail into one :class:`MRTDError` of ``reason``.

    asn1crypto parses late: a wrong byte surfaces as almost any exception at almost any access. What
    it says can quote the card, so it is not kept as the cause.
    """
    try:
        yield
    except MRTDError as error:
        if error.reason != "tlv-malformed":
            raise
        raise MRTDError(reason) from None
    except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RuntimeError):
        raise MRTDError(reason) from None
