"""flask-oidc, on Authlib. It sends the secret in the body unless its secrets say otherwise."""

from functools import partial

import flask
from flask_oidc import OpenIDConnect
from portal import GIVEN, PORTAL, browse, done, register

client = register("/authorize")
app = flask.Flask(__name__)
app.config.update(
    SECRET_KEY="only a test",
    OIDC_CLIENT_SECRETS={
        "web": {
            "issuer": GIVEN["issuer"],
            "client_id": client["client_id"],
            "client_secret": client["client_secret"],
        }
    },
    OIDC_SCOPES=client["scope"],
)
oidc = OpenIDConnect(app)


@app.get("/")
@oidc.require_login
def me():
    token = flask.session["oidc_auth_token"]
    done(token["userinfo"], flask.session["oidc_auth_profile"])
    return ""


browser = app.test_client()
get = partial(browser.get, base_url=PORTAL)
browse(get, get("/"))
