"""oauth4webapi, the small library under openid-client, against a running provider."""

from pathlib import Path

from tests.conformance.live import Provider, Register
from tests.conformance.suite import Browser
from tests.interop.conftest import over_tls
from tests.interop.relying_party import check_claims, check_introspected, check_logout, run

PROGRAM = Path(__file__).parent / "oauth4webapi" / "relying_party.mjs"


@over_tls
def test_the_whole_life_of_a_login_by_par_dpop_and_jarm(
    node: str, op: Provider, browser: Browser, register: Register
) -> None:
    """From discovery to the logout token, each step by hand."""
    result = run([node, str(PROGRAM)], op, browser, register)
    check_claims(result, op)
    check_introspected(result)
    check_logout(result)
