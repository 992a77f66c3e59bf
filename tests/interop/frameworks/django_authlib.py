"""Authlib's client for Django with ``private_key_jwt``: its assertions live an hour."""

from functools import partial

from authlib.integrations.django_client import OAuth
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from joserfc.jwk import ECKey
from portal import GIVEN, PORTAL, browse, configure_django, django_browser, done, register

key = ECKey.generate_key("P-256", {"kid": "2027", "use": "sig"})
client = register(
    "/callback",
    token_endpoint_auth_method="private_key_jwt",
    client_assertion_max_seconds=3600,
    jwks={"keys": [key.as_dict(private=False)]},
)
configure_django([])
eid = OAuth().register(
    "eid",
    client_id=client["client_id"],
    client_secret=key,
    token_endpoint_auth_method="private_key_jwt",
    client_auth_methods=[PrivateKeyJWT(alg="ES256", headers={"kid": key.kid})],
    server_metadata_url=f"{GIVEN['issuer']}/.well-known/openid-configuration",
    client_kwargs={"scope": client["scope"], "code_challenge_method": "S256"},
)

from django.http import HttpResponse
from django.urls import path


def login(request):
    return eid.authorize_redirect(request, f"{PORTAL}/callback")


def callback(request):
    token = eid.authorize_access_token(request)
    done(token["userinfo"], eid.userinfo(token=token))
    return HttpResponse()


urlpatterns = [path("login", login), path("callback", callback)]
get = partial(django_browser().get, secure=True)
browse(get, get("/login"))
