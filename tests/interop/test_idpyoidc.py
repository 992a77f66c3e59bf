"""idpyoidc, IdentityPython's relying party, against a running provider."""

import sys
from pathlib import Path

from tests.conformance.live import Provider, Register
from tests.conformance.suite import Browser
from tests.interop.conftest import over_tls
from tests.interop.relying_party import check_claims, check_introspected, check_logout, run

PROGRAM = Path(__file__).parent / "idpyoidc" / "relying_party.py"


@over_tls
def test_the_whole_life_of_a_login_by_par_dpop_and_jarm(
    op: Provider, browser: Browser, register: Register
) -> None:
    """From discovery to the logout token, which its own code verifies."""
    result = run([sys.executable, str(PROGRAM)], op, browser, register)
    check_claims(result, op)
    check_introspected(result)
    check_logout(result)
