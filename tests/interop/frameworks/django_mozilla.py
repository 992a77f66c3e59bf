"""mozilla-django-oidc: it wants the algorithm, Basic authentication and PKCE named."""

from functools import partial

from portal import GIVEN, browse, configure_django, django_browser, done, register

client = register("/oidc/callback/")
issuer = GIVEN["issuer"]
configure_django(
    ["mozilla_django_oidc"],
    AUTHENTICATION_BACKENDS=["__main__.ByCitizen"],
    OIDC_RP_CLIENT_ID=client["client_id"],
    OIDC_RP_CLIENT_SECRET=client["client_secret"],
    OIDC_RP_SIGN_ALGO="RS256",
    OIDC_RP_SCOPES=client["scope"],
    OIDC_TOKEN_USE_BASIC_AUTH=True,
    OIDC_USE_PKCE=True,
    OIDC_OP_AUTHORIZATION_ENDPOINT=f"{issuer}/authorize",
    OIDC_OP_TOKEN_ENDPOINT=f"{issuer}/token",
    OIDC_OP_USER_ENDPOINT=f"{issuer}/userinfo",
    OIDC_OP_JWKS_ENDPOINT=f"{issuer}/jwks",
)

from django.http import JsonResponse
from django.urls import include, path
from mozilla_django_oidc.auth import OIDCAuthenticationBackend

seen = {}


class ByCitizen(OIDCAuthenticationBackend):
    """A user of the portal is a ``sub``, not an e-mail address, which is its default."""

    def get_userinfo(self, access_token, id_token, payload):
        seen.update(claims=payload, userinfo=super().get_userinfo(access_token, id_token, payload))
        return seen["userinfo"]

    def verify_claims(self, claims):
        return "sub" in claims

    def filter_users_by_claims(self, claims):
        return self.UserModel.objects.filter(username=claims["sub"])

    def create_user(self, claims):
        return self.UserModel.objects.create_user(claims["sub"])


urlpatterns = [
    path("oidc/", include("mozilla_django_oidc.urls")),
    path("", lambda request: JsonResponse({"user": request.user.get_username()})),
]
browser = django_browser()
get = partial(browser.get, secure=True)
shown = browse(get, get("/oidc/authenticate/"))
assert shown.json() == {"user": seen["claims"]["sub"]}
done(**seen)
