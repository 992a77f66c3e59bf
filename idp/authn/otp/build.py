"""The one-time code as a feature."""

from urllib.parse import urlsplit

from idp.authn.otp.authenticator import Otp
from idp.authn.otp.settings import OtpSettings
from idp.authn.otp.views import routes
from idp.deps import Deps
from idp.login.build import Login, MethodPart
from idp.notify.sender import Sender

METHOD = Otp.method


def build(deps: Deps, login: Login, settings: OtpSettings, sender: Sender) -> MethodPart:
    """The method for ``login``; codes go out by ``sender``."""
    otp = Otp(
        forms=login.forms,
        desk=login.desk,
        proofs=login.proofs,
        transient=deps.transient,
        audit=deps.audit,
        clock=deps.clock,
        accounts=deps.accounts,
        registry=deps.registry,
        sender=sender,
        settings=settings,
        host=urlsplit(deps.pages.site.origin).hostname or "",
        key=deps.keys.derive("otp"),
        counter_key=deps.keys.derive("counter"),
    )
    return MethodPart(METHOD, routes(otp), otp)
