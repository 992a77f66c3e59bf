"""Authlib's client for Starlette and FastAPI. By hand: Starlette is not among our packages."""

from authlib.integrations.starlette_client import OAuth
from portal import GIVEN, PORTAL, browse, done, register
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.responses import Response
from starlette.routing import Route
from starlette.testclient import TestClient

client = register("/callback")
eid = OAuth().register(
    "eid",
    client_id=client["client_id"],
    client_secret=client["client_secret"],
    server_metadata_url=f"{GIVEN['issuer']}/.well-known/openid-configuration",
    client_kwargs={"scope": client["scope"], "code_challenge_method": "S256"},
)


async def login(request):
    return await eid.authorize_redirect(request, f"{PORTAL}/callback")


async def callback(request):
    token = await eid.authorize_access_token(request)
    done(token["userinfo"], await eid.userinfo(token=token))
    return Response()


app = Starlette(
    routes=[Route("/login", login), Route("/callback", callback)],
    middleware=[Middleware(SessionMiddleware, secret_key="only a test", https_only=True)],
)
browser = TestClient(app, base_url=PORTAL, follow_redirects=False)
browse(browser.get, browser.get("/login"))
