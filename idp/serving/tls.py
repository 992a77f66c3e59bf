"""TLS for our own connections: 1.2 with AEAD suites and forward secrecy, and 1.3 (RFC 9325)."""

import ssl
from pathlib import Path

CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""For TLS 1.2 (RFC 9325 §4.2); those of TLS 1.3 are good as they are."""


class InvalidCertificate(ValueError):
    """The files are no certificate and its key."""


def context(certificate: Path, private_key: Path, client_ca: Path | None = None) -> ssl.SSLContext:
    """What connections are wrapped in. With ``client_ca`` they are asked for a certificate.

    Raises:
        InvalidCertificate: the files cannot be used: no PEM, encrypted, or not of one key.
    """
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    made.set_ciphers(CIPHERS)
    made.set_alpn_protocols(["http/1.1"])
    try:
        # A password, so that nobody is asked for one.
        made.load_cert_chain(certificate, private_key, password="-")  # noqa: S106
        if client_ca is not None:
            made.load_verify_locations(client_ca)
            made.verify_mode = ssl.CERT_OPTIONAL
    except OSError as error:
        raise InvalidCertificate(str(error)) from error
    return made
