"""The passcode as a feature."""

from idp.authn.passcode.authenticator import Passcode
from idp.authn.passcode.views import routes
from idp.deps import Deps
from idp.login.build import Login, MethodPart

METHOD = Passcode.method


def build(deps: Deps, login: Login) -> MethodPart:
    """The method for ``login``."""
    passcode = Passcode(
        forms=login.forms,
        desk=login.desk,
        proofs=login.proofs,
        transient=deps.transient,
        audit=deps.audit,
        clock=deps.clock,
        pepper=deps.keys.derive("passcode"),
    )
    return MethodPart(METHOD, routes(passcode))
