"""Flask-pyoidc, on pyoidc. It takes the algorithm of the registration; RS256 without one."""

from functools import partial

import flask
from flask_pyoidc import OIDCAuthentication
from flask_pyoidc.provider_configuration import ClientMetadata, ProviderConfiguration
from flask_pyoidc.user_session import UserSession
from portal import GIVEN, PORTAL, browse, done, register

client = register("/callback")
app = flask.Flask(__name__)
app.config.update(SECRET_KEY="only a test", OIDC_REDIRECT_URI=f"{PORTAL}/callback")
auth = OIDCAuthentication(
    {
        "eid": ProviderConfiguration(
            issuer=GIVEN["issuer"],
            client_metadata=ClientMetadata(client["client_id"], client["client_secret"]),
            auth_request_params={"scope": client["scope"].split()},
        )
    }
)


@app.get("/")
@auth.oidc_auth("eid")
def me():
    session = UserSession(flask.session)
    done({**session.id_token, "aud": session.id_token["aud"][0]}, session.userinfo)
    return ""


auth.init_app(app)
browser = app.test_client()
get = partial(browser.get, base_url=PORTAL)
browse(get, get("/"))
