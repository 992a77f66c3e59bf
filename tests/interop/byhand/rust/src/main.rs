//! openidconnect 4 with its blocking HTTP client.

use openidconnect::core::{
    CoreAuthenticationFlow, CoreClient, CoreGenderClaim, CoreProviderMetadata,
};
use openidconnect::reqwest::{blocking::Client, redirect::Policy, Certificate, Url};
use openidconnect::{
    AccessTokenHash, AdditionalClaims, AuthorizationCode, ClientId, ClientSecret, CsrfToken,
    IssuerUrl, Nonce, OAuth2TokenResponse, PkceCodeChallenge, RedirectUrl, Scope, TokenResponse,
    UserInfoClaims,
};
use serde::{Deserialize, Serialize};
use serde_json::{json, Value};
use std::collections::HashMap;
use std::error::Error;

const REDIRECT: &str = "https://rp.example/callback";

/// The claims of UserInfo that OpenID Connect does not name.
#[derive(Debug, Deserialize, Serialize)]
struct Person {
    pid: String,
    age_over_18: bool,
}

impl AdditionalClaims for Person {}

/// Tells the runner (tests/interop/relying_party.py) a line of JSON and reads its answer.
fn ask(question: Value) -> Result<Value, Box<dyn Error>> {
    println!("{question}");
    let mut line = String::new();
    std::io::stdin().read_line(&mut line)?;
    Ok(serde_json::from_str(&line)?)
}

fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_default().to_owned()
}

fn main() -> Result<(), Box<dyn Error>> {
    let given: Value = serde_json::from_str(&std::env::args().nth(1).ok_or("no argument")?)?;
    let registered = ask(json!({"register": {"redirect_uris": [REDIRECT]}}))?;
    let http = Client::builder()
        .redirect(Policy::none())
        .add_root_certificate(Certificate::from_pem(&std::fs::read(text(&given, "ca"))?)?)
        .build()?;
    let metadata = CoreProviderMetadata::discover(&IssuerUrl::new(text(&given, "issuer"))?, &http)?;
    let eid = CoreClient::from_provider_metadata(
        metadata,
        ClientId::new(text(&registered, "client_id")),
        Some(ClientSecret::new(text(&registered, "client_secret"))),
    )
    .set_redirect_uri(RedirectUrl::new(REDIRECT.to_owned())?);
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let (to, state, nonce) = eid
        .authorize_url(
            CoreAuthenticationFlow::AuthorizationCode,
            CsrfToken::new_random,
            Nonce::new_random,
        )
        .add_scopes(["profile", "pid", "age"].map(|name| Scope::new(name.to_owned())))
        .set_pkce_challenge(challenge)
        .url();
    let back = Url::parse(ask(json!({"visit": to}))?.as_str().ok_or("no URL")?)?;
    let back: HashMap<_, _> = back.query_pairs().into_owned().collect();
    if back.get("state") != Some(state.secret()) {
        return Err("state".into());
    }
    let tokens = eid
        .exchange_code(AuthorizationCode::new(back.get("code").ok_or("no code")?.clone()))?
        .set_pkce_verifier(verifier)
        .request(&http)?;
    let id_token = tokens.id_token().ok_or("no ID token")?;
    let id_token_verifier = eid.id_token_verifier();
    let claims = id_token.claims(&id_token_verifier, &nonce)?;
    let at_hash = AccessTokenHash::from_token(
        tokens.access_token(),
        id_token.signing_alg()?,
        id_token.signing_key(&id_token_verifier)?,
    )?;
    if Some(&at_hash) != claims.access_token_hash() {
        return Err("at_hash".into());
    }
    let userinfo: UserInfoClaims<Person, CoreGenderClaim> = eid
        .user_info(tokens.access_token().clone(), Some(claims.subject().clone()))?
        .request(&http)?;
    println!("{}", json!({"done": {"claims": claims, "userinfo": userinfo}}));
    Ok(())
}
