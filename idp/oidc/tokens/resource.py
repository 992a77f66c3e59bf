"""Resource indicators: RFC 8707. Which resource servers a token is for.

An authorization's ``resource`` is a list with spaces, like a scope: first what its client
registered, then perhaps less of it, as the authorization request and each token request say.
"""

from idp.oidc.errors import OAuthError
from idp.web.http import Params

PARAMETER = "resource"


def narrowed(params: Params, allowed: str) -> str:
    """Those of ``allowed`` that a request asks for; all of them when it asks for none (§2.2).

    Raises:
        OAuthError: ``invalid_target``, another one, or none at all.
    """
    asked = dict.fromkeys(params.all(PARAMETER))
    if not asked:
        return allowed
    if not set(asked) <= set(allowed.split()):
        raise OAuthError("invalid_target", "the resource is not one that was allowed")
    return " ".join(asked)
