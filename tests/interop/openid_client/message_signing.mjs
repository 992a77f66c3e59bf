// A relying party built on openid-client, under the profile fapi2-message-signing: requests are
// signed (JAR) and pushed (PAR), answers are JWTs (JARM), and so are UserInfo and introspection;
// tokens are bound to a key (DPoP), and the end of the session comes by the back channel.

import assert from 'node:assert/strict'
import * as client from 'openid-client'
import { done, given, listen, newKey, register, visit } from '../driver.mjs'

const key = await newKey('rp-1')
const logouts = await listen()
const metadata = await register({
  profile: 'fapi2-message-signing',
  token_endpoint_auth_method: 'private_key_jwt',
  jwks: key.jwks,
  request_object_signing_alg: 'ES256',
  authorization_signed_response_alg: 'ES256',
  userinfo_signed_response_alg: 'ES256',
  introspection_signed_response_alg: 'ES256',
  dpop_bound_access_tokens: true,
  backchannel_logout_uri: logouts.uri,
  backchannel_logout_session_required: true,
})
const [redirectUri] = metadata.redirect_uris
const [afterLogout] = metadata.post_logout_redirect_uris

const config = await client.discovery(
  new URL(given.issuer),
  metadata.client_id,
  metadata,
  client.PrivateKeyJwt(key),
  { execute: [client.enableNonRepudiationChecks, client.useJwtResponseMode] },
)
const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair('ES256'))

const checks = {
  pkceCodeVerifier: client.randomPKCECodeVerifier(),
  expectedState: client.randomState(),
  expectedNonce: client.randomNonce(),
  idTokenExpected: true,
}
const signed = await client.buildAuthorizationUrlWithJAR(
  config,
  {
    redirect_uri: redirectUri,
    scope: metadata.scope,
    state: checks.expectedState,
    nonce: checks.expectedNonce,
    code_challenge: await client.calculatePKCECodeChallenge(checks.pkceCodeVerifier),
    code_challenge_method: 'S256',
  },
  key,
)
assert(signed.searchParams.has('request'))
const pushed = await client.buildAuthorizationUrlWithPAR(config, signed.searchParams, { DPoP })
assert.deepEqual([...pushed.searchParams.keys()].sort(), ['client_id', 'request_uri'])

const callback = await visit(pushed)
assert.deepEqual([...callback.searchParams.keys()], ['response'])
const tokens = await client.authorizationCodeGrant(config, callback, checks, undefined, { DPoP })
assert.equal(tokens.token_type, 'dpop')
const claims = tokens.claims()

const userinfo = await client.fetchUserInfo(config, tokens.access_token, claims.sub, { DPoP })
await assert.rejects(
  client.fetchUserInfo(config, tokens.access_token, claims.sub), // as if it were a bearer token
  client.WWWAuthenticateChallengeError,
)
const introspected = await client.tokenIntrospection(config, tokens.access_token)
assert.equal(introspected.cnf.jkt, await DPoP.calculateThumbprint())

const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token, undefined, { DPoP })
assert.equal(refreshed.token_type, 'dpop')
assert.equal(refreshed.claims().sub, claims.sub)
assert.notEqual(refreshed.access_token, tokens.access_token)
await client.fetchUserInfo(config, refreshed.access_token, claims.sub, { DPoP })

const state = client.randomState()
const back = await visit(
  client.buildEndSessionUrl(config, {
    id_token_hint: tokens.id_token,
    post_logout_redirect_uri: afterLogout,
    state,
  }),
)
assert.equal(back.href, `${afterLogout}?state=${state}`)
const logout = await logouts.next(config.serverMetadata(), metadata)
await assert.rejects(
  client.refreshTokenGrant(config, tokens.refresh_token, undefined, { DPoP }),
  (error) => error instanceof client.ResponseBodyError && error.error === 'invalid_grant',
)

done({ claims, userinfo, introspected, logout })
