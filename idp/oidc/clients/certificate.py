"""The subjects of client certificates: RFC 8705 §2.1.2. Registering and reading them.

A client of ``tls_client_auth`` registers exactly one of these members.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial
from ipaddress import ip_address
from typing import Any

from cryptography import x509
from cryptography.x509.oid import NameOID

_NAMES = {
    "EMAILADDRESS": NameOID.EMAIL_ADDRESS,
    "E": NameOID.EMAIL_ADDRESS,
    "SERIALNUMBER": NameOID.SERIAL_NUMBER,
    "organizationIdentifier": NameOID.ORGANIZATION_IDENTIFIER,
}
"""Attribute names that authorities use besides those of RFC 4514 §3."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A kind of name: ``parse`` reads a registered one (ValueError: malformed), ``find`` returns
    those of a certificate, in the same form."""

    parse: Callable[[str], Any]
    find: Callable[[x509.Certificate], Collection[Any]]


def distinguished_name(text: str) -> x509.Name:
    """A distinguished name in its string form (RFC 4514).

    Raises:
        ValueError: malformed.
    """
    return x509.Name.from_rfc4514_string(text, _NAMES)


def _alternatives(kind: type[x509.GeneralName], certificate: x509.Certificate) -> list[Any]:
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        return list(extension.value.get_values_for_type(kind))  # type: ignore[arg-type]
    except (x509.ExtensionNotFound, x509.DuplicateExtension, ValueError):
        return []


def _dns_names(certificate: x509.Certificate) -> list[str]:
    return [str.lower(each) for each in _alternatives(x509.DNSName, certificate)]


SUBJECTS: Mapping[str, Subject] = {
    "tls_client_auth_subject_dn": Subject(distinguished_name, lambda each: [each.subject]),
    "tls_client_auth_san_dns": Subject(str.lower, _dns_names),
    "tls_client_auth_san_uri": Subject(str, partial(_alternatives, x509.UniformResourceIdentifier)),
    "tls_client_auth_san_ip": Subject(ip_address, partial(_alternatives, x509.IPAddress)),
    "tls_client_auth_san_email": Subject(str, partial(_alternatives, x509.RFC822Name)),
}
