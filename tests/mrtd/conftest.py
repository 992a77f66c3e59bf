"""One development authority, one card, two RSA keys for all: making keys is most of the time."""

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from idp.mrtd.testing.authority import Authority
from idp.mrtd.testing.software_card import SoftwareCard, issue_card
from idp.mrtd.trust import TrustStore
from tests.mrtd.forgery import DETAILS, NOW, trust_in


@pytest.fixture(scope="session")
def authority() -> Authority:
    return Authority.found(NOW)


@pytest.fixture(scope="session")
def trust(authority: Authority) -> TrustStore:
    return trust_in(authority, authority.revocation_list(now=NOW, number=1))


@pytest.fixture(scope="session")
def card(authority: Authority) -> SoftwareCard:
    return issue_card(authority, DETAILS)


@pytest.fixture(scope="session")
def rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@pytest.fixture(scope="session")
def short_rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 1024)
