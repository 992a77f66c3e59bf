"""Whom we believe: country signing certificates, revocation lists, the chain. ICAO 9303-12 §5, §6.

Two certificates deep, by the standard: a CSCA from our own store, and the document signer it
issued. A certificate that comes with a card is never an anchor.
"""

import base64
import binascii
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from asn1crypto import core, x509

from idp.mrtd import certificate, signed_data, tlv
from idp.mrtd.certificate import Certificate, RevocationList
from idp.mrtd.errors import MRTDError, malformed
from idp.mrtd.policy import CrlUse, Policy

CACHED_SIGNERS = 1024
MASTER_LIST = "2.23.136.1.1.2"
_PEM = re.compile(
    rb"-----BEGIN (CERTIFICATE|X509 CRL)-----\s([A-Za-z0-9+/=\s]+)-----END \1-----", re.ASCII
)


@dataclass(frozen=True, slots=True)
class Chain:
    """A document signer and the CSCA that issued it."""

    signer: Certificate
    csca: Certificate


@dataclass(frozen=True, slots=True)
class TrustFile:
    """What one file of a trust folder holds."""

    anchors: tuple[Certificate, ...] = ()
    revocation_lists: tuple[RevocationList, ...] = ()


class TrustStore:
    """Anchors and revocation lists, unchanging. Link certificates are anchors like any other.

    Of the lists of one key only the highest number counts, so an older one beside it hides nothing.
    Verified document signers are remembered: the same few hundred sign every card.
    """

    def __init__(
        self, anchors: Iterable[Certificate], revocation_lists: Iterable[RevocationList] = ()
    ) -> None:
        self.anchors = tuple({each.der: each for each in anchors}.values())
        newest: dict[tuple[str, bytes | None], RevocationList] = {}
        for each in sorted(revocation_lists, key=lambda each: (each.number, each.this_update)):
            newest[each.key] = each
        self.revocation_lists = tuple(newest.values())
        self._by_subject: dict[str, list[Certificate]] = defaultdict(list)
        # Several anchors may hold one key, a link certificate beside the root: the longest lasts.
        for anchor in sorted(self.anchors, key=lambda each: -each.not_after):
            self._by_subject[anchor.subject].append(anchor)
        self._issued = lru_cache(CACHED_SIGNERS)(self._find_issuer)
        self._verified_lists = lru_cache(CACHED_SIGNERS)(self._verify_lists)

    def issued(self, der: bytes, policy: Policy) -> Chain:
        """The document signer ``der`` and the anchor that issued it, dates not yet looked at.

        Raises:
            MRTDError: certificate-malformed, signer-not-allowed, csca-unknown, csca-not-ca,
                signer-signature, or what its algorithm or a key is refused for.
        """
        return self._issued(der, policy)

    def lists_of(self, csca: Certificate, policy: Policy) -> tuple[RevocationList, ...]:
        """The verified revocation lists of the issuer that ``csca`` is; empty when none is held.

        Raises:
            MRTDError: crl-signature when there are some and none of them is good.
        """
        return self._verified_lists(csca.subject, policy)

    def check_newer(self, offered: RevocationList) -> RevocationList:
        """``offered``, when it is no step back from the list held of the same key.

        Raises:
            MRTDError: crl-older.
        """
        for held in self.revocation_lists:
            older = (offered.number, offered.this_update) < (held.number, held.this_update)
            if older and held.key == offered.key:
                raise MRTDError("crl-older")
        return offered

    def _find_issuer(self, der: bytes, policy: Policy) -> Chain:
        signer = certificate.parse(der)
        signs = "digital_signature" in signer.key_usage
        if signer.is_ca or not signs or signer.unknown_critical:
            raise MRTDError("signer-not-allowed")
        failure = MRTDError("csca-unknown")
        for csca in self._holders(signer.issuer, signer.authority_key_identifier):
            try:
                if not (csca.is_ca and "key_cert_sign" in csca.key_usage):
                    raise MRTDError("csca-not-ca")
                certificate.check_signed_by(signer, csca, policy, reason="signer-signature")
                return Chain(signer, csca)
            except MRTDError as error:
                failure = error
        raise failure

    def _verify_lists(self, issuer: str, policy: Policy) -> tuple[RevocationList, ...]:
        named = [each for each in self.revocation_lists if each.issuer == issuer]
        good = tuple(each for each in named if self._signed(each, policy))
        if named and not good:
            raise MRTDError("crl-signature")
        return good

    def _signed(self, found: RevocationList, policy: Policy) -> bool:
        for csca in self._holders(found.issuer, found.authority_key_identifier):
            try:
                if "crl_sign" in csca.key_usage:
                    certificate.check_signed_by(found, csca, policy, reason="crl-signature")
                    return True
            except MRTDError:
                continue
        return False

    def _holders(self, subject: str, key_identifier: bytes | None) -> list[Certificate]:
        """The anchors of this name and key: both have to agree (9303-12 §7.1.1)."""
        return [
            each
            for each in self._by_subject.get(subject, ())
            if key_identifier is not None and each.key_identifier == key_identifier
        ]


def verify_chain(der: bytes, *, trust: TrustStore, policy: Policy, now: int) -> Chain:
    """The document signer ``der`` and its CSCA, good ``now`` (epoch seconds) under ``policy``.

    Raises:
        MRTDError: what :meth:`TrustStore.issued` and :meth:`TrustStore.lists_of` raise, country,
            signer-expired, csca-expired, signer-revoked, csca-revoked, crl-missing, crl-expired.
    """
    chain = trust.issued(der, policy)
    if policy.country is not None and {chain.signer.country, chain.csca.country} != {
        policy.country
    }:
        raise MRTDError("country")
    _check_revocation(chain, trust.lists_of(chain.csca, policy), policy, now)
    # The signer says itself when it signed, so only now is a time to go by.
    if not chain.signer.not_before <= now <= chain.signer.not_after:
        raise MRTDError("signer-expired")
    if not chain.csca.not_before <= now <= chain.csca.not_after:
        raise MRTDError("csca-expired")
    return chain


def _check_revocation(
    chain: Chain, lists: tuple[RevocationList, ...], policy: Policy, now: int
) -> None:
    revoked = frozenset().union(*(each.serials for each in lists))
    if chain.signer.serial in revoked:
        raise MRTDError("signer-revoked")
    if chain.csca.serial in revoked and chain.csca.issuer == chain.csca.subject:
        raise MRTDError("csca-revoked")
    if not lists and policy.crl is CrlUse.REQUIRED:
        raise MRTDError("crl-missing")
    if lists and now > max(each.next_update for each in lists) + policy.crl_grace:
        raise MRTDError("crl-expired")


def read_file(name: str, data: bytes) -> TrustFile:
    """One file of a trust folder: certificates or a CRL (DER or PEM), or a master list ``*.ml``.

    Raises:
        MRTDError: certificate-malformed, crl-malformed or master-list-malformed.
    """
    if name.endswith(".ml"):
        return TrustFile(anchors=read_master_list(data))
    wants_crl = name.endswith(".crl")
    parts = _pem_parts(data) or [(b"X509 CRL" if wants_crl else b"CERTIFICATE", data)]
    return TrustFile(
        tuple(certificate.parse(der) for label, der in parts if label == b"CERTIFICATE"),
        tuple(certificate.parse_crl(der) for label, der in parts if label == b"X509 CRL"),
    )


def read_master_list(data: bytes) -> tuple[Certificate, ...]:
    """The certificates of a CSCA master list that its own signer vouches for (9303-12 §9).

    The operator who puts the list into the trust folder answers for its signer; the signature only
    shows that the list is whole.

    Raises:
        MRTDError: master-list-malformed.
    """

    class Certificates(core.SetOf):  # type: ignore[misc]
        _child_spec = x509.Certificate

    try:
        signed = signed_data.parse(data)
        signer = certificate.parse(signed.signer)
        content = signed_data.verify(signed, signer.public_key, Policy(country=None))
        with malformed("master-list-malformed"):
            version, listed = tlv.read(content).children(tlv.SEQUENCE)
            if signed.content_type != MASTER_LIST or version.integer() != 0:
                raise MRTDError("master-list-malformed")
            found = Certificates.load(listed.raw, strict=True)
            return tuple(certificate.read(each) for each in found)
    except MRTDError:
        raise MRTDError("master-list-malformed") from None


def _pem_parts(data: bytes) -> list[tuple[bytes, bytes]]:
    try:
        return [(label, base64.b64decode(body)) for label, body in _PEM.findall(data)]
    except binascii.Error:
        raise MRTDError("certificate-malformed") from None
