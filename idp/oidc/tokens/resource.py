"""Resource indicators: RFC 8707. The resource servers that a token is for.

An authorization's ``resource`` is a space-separated list, like a scope: the registered resources,
which the authorization request and each token request may narrow.
"""

from idp.oidc.errors import OAuthError
from idp.web.http import Params

PARAMETER = "resource"


def narrowed(params: Params, allowed: str) -> str:
    """The requested resources within ``allowed``; all of them if none is requested (§2.2).

    Raises:
        OAuthError: ``invalid_target``: a resource that is not allowed.
    """
    asked = dict.fromkeys(params.all(PARAMETER))
    if not asked:
        return allowed
    if not set(asked) <= set(allowed.split()):
        raise OAuthError("invalid_target", "the resource is not allowed")
    return " ".join(asked)
