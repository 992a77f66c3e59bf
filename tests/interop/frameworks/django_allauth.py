"""django-allauth with its provider ``openid_connect``: UserInfo by ``fetch_userinfo`` alone."""

from functools import partial

from portal import GIVEN, browse, configure_django, django_browser, done, register

client = register("/accounts/oidc/eid/login/callback/")
configure_django(
    [
        "django.contrib.messages",
        "allauth",
        "allauth.account",
        "allauth.socialaccount",
        "allauth.socialaccount.providers.openid_connect",
    ],
    [
        "django.contrib.messages.middleware.MessageMiddleware",
        "allauth.account.middleware.AccountMiddleware",
    ],
    AUTHENTICATION_BACKENDS=["allauth.account.auth_backends.AuthenticationBackend"],
    SOCIALACCOUNT_PROVIDERS={
        "openid_connect": {
            "OAUTH_PKCE_ENABLED": True,
            "APPS": [
                {
                    "provider_id": "eid",
                    "name": "e-ID",
                    "client_id": client["client_id"],
                    "secret": client["client_secret"],
                    "settings": {
                        "server_url": GIVEN["issuer"],
                        "token_auth_method": "client_secret_basic",
                        "fetch_userinfo": True,
                        "scope": client["scope"].split(),
                    },
                }
            ],
        }
    },
    SOCIALACCOUNT_EMAIL_VERIFICATION="none",
    ACCOUNT_SIGNUP_FIELDS=["username*"],
)

from allauth.socialaccount.models import SocialAccount
from django.http import JsonResponse
from django.urls import include, path

urlpatterns = [
    path("accounts/", include("allauth.urls")),
    path("", lambda request: JsonResponse({"user": request.user.pk})),
]
browser = django_browser()
get = partial(browser.get, secure=True)
begun = browser.post("/accounts/oidc/eid/login/", secure=True)
assert browse(get, begun).json()["user"]
[account] = SocialAccount.objects.all()
done(account.extra_data["id_token"], account.extra_data["userinfo"])
