"""social-auth-app-django with its backend for OpenID Connect: it takes RS256 alone, with PKCE."""

from functools import partial

from portal import GIVEN, browse, configure_django, django_browser, done, register

client = register("/complete/eid/")
configure_django(
    ["social_django"],
    AUTHENTICATION_BACKENDS=["__main__.Eid"],
    SOCIAL_AUTH_EID_OIDC_ENDPOINT=GIVEN["issuer"],
    SOCIAL_AUTH_EID_KEY=client["client_id"],
    SOCIAL_AUTH_EID_SECRET=client["client_secret"],
    SOCIAL_AUTH_EID_SCOPE=client["scope"].split(),
    SOCIAL_AUTH_EID_IGNORE_DEFAULT_SCOPE=True,
    SOCIAL_AUTH_EID_USE_PKCE=True,
    SOCIAL_AUTH_REDIRECT_IS_HTTPS=True,
)

from django.http import JsonResponse
from django.urls import include, path
from social_core.backends.open_id_connect import OpenIdConnectAuth

seen = {}


class Eid(OpenIdConnectAuth):
    """A user of the portal is a ``sub``: there is no ``preferred_username``."""

    name = "eid"
    USERNAME_KEY = "sub"

    def user_data(self, access_token, *args, **kwargs):
        seen.update(claims=self.id_token, userinfo=super().user_data(access_token))
        return seen["userinfo"]


urlpatterns = [
    path("", include("social_django.urls")),
    path("", lambda request: JsonResponse({"user": request.user.get_username()})),
]
browser = django_browser()
get = partial(browser.get, secure=True)

shown = browse(get, browser.post("/login/eid/", secure=True))
assert shown.json() == {"user": seen["claims"]["sub"]}
done(**seen)
