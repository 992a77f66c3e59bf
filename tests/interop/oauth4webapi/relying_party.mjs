// A relying party on oauth4webapi alone, which leaves each step to its user, under the profile
// fapi2-security: requests are pushed (PAR), answers come as JWTs (JARM), tokens are bound to a key
// (DPoP), and the end of the session comes by the back channel.

import assert from 'node:assert/strict'
import * as oauth from 'oauth4webapi'
import { done, given, listen, newKey, register, visit } from '../driver.mjs'

const issuer = new URL(given.issuer)
const found = await oauth.discoveryRequest(issuer)
const as = await oauth.processDiscoveryResponse(issuer, found)

const key = await newKey('rp-1')
const logouts = await listen()
const client = await register({
  profile: 'fapi2-security',
  token_endpoint_auth_method: 'private_key_jwt',
  jwks: key.jwks,
  authorization_signed_response_alg: 'ES256',
  dpop_bound_access_tokens: true,
  require_pushed_authorization_requests: true,
  backchannel_logout_uri: logouts.uri,
  backchannel_logout_session_required: true,
})
const [redirectUri] = client.redirect_uris
const [afterLogout] = client.post_logout_redirect_uris
const authentication = oauth.PrivateKeyJwt(key)
const DPoP = oauth.DPoP(client, await oauth.generateKeyPair('ES256'))

// Does it, and once more if the server wants a nonce in the proof; that is now known to DPoP.
let nonces = 0
async function proven(request) {
  try {
    return await request()
  } catch (error) {
    if (!oauth.isDPoPNonceError(error)) throw error
    nonces += 1
    return request()
  }
}

const verifier = oauth.generateRandomCodeVerifier()
const state = oauth.generateRandomState()
const nonce = oauth.generateRandomNonce()
const { request_uri } = await proven(async () => {
  const asked = {
    response_type: 'code',
    response_mode: 'jwt',
    redirect_uri: redirectUri,
    scope: client.scope,
    state,
    nonce,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
  }
  const response = await oauth.pushedAuthorizationRequest(
    as, client, authentication, asked, { DPoP },
  )
  return oauth.processPushedAuthorizationResponse(as, client, response)
})
assert.equal(nonces, 1, 'the first proof cannot have a nonce')

const url = new URL(as.authorization_endpoint)
url.search = new URLSearchParams({ client_id: client.client_id, request_uri })
const callback = await visit(url)
await assert.rejects(oauth.validateJwtAuthResponse(as, client, callback, 'another state'))
const answer = await oauth.validateJwtAuthResponse(as, client, callback, state)
assert.equal(answer.get('iss'), as.issuer)

const tokens = await proven(async () => {
  const response = await oauth.authorizationCodeGrantRequest(
    as, client, authentication, answer, redirectUri, verifier, { DPoP },
  )
  const found = await oauth.processAuthorizationCodeResponse(as, client, response, {
    expectedNonce: nonce,
    requireIdToken: true,
  })
  await oauth.validateApplicationLevelSignature(as, response)
  return found
})
assert.equal(tokens.token_type, 'dpop')
const claims = oauth.getValidatedIdTokenClaims(tokens)

const ask = (token, options) => async () => {
  const response = await oauth.userInfoRequest(as, client, token, options)
  return oauth.processUserInfoResponse(as, client, claims.sub, response)
}
const userinfo = await proven(ask(tokens.access_token, { DPoP }))
await assert.rejects(ask(tokens.access_token), oauth.WWWAuthenticateChallengeError)

async function introspect(token) {
  const response = await oauth.introspectionRequest(as, client, authentication, token)
  return oauth.processIntrospectionResponse(as, client, response)
}
const introspected = await introspect(tokens.access_token)
assert.equal(introspected.cnf.jkt, await DPoP.calculateThumbprint())

const refresh = async () => {
  const response = await oauth.refreshTokenGrantRequest(
    as, client, authentication, tokens.refresh_token, { DPoP },
  )
  return oauth.processRefreshTokenResponse(as, client, response)
}
const refreshed = await proven(refresh)
assert.equal(refreshed.token_type, 'dpop')
assert.equal(oauth.getValidatedIdTokenClaims(refreshed).sub, claims.sub)
await proven(ask(refreshed.access_token, { DPoP }))

await oauth.processRevocationResponse(
  await oauth.revocationRequest(as, client, authentication, refreshed.access_token),
)
assert.equal((await introspect(refreshed.access_token)).active, false)
await assert.rejects(ask(refreshed.access_token, { DPoP }), oauth.WWWAuthenticateChallengeError)
await proven(ask(tokens.access_token, { DPoP })) // the other one works on

const leaving = new URL(as.end_session_endpoint)
leaving.search = new URLSearchParams({
  id_token_hint: tokens.id_token,
  post_logout_redirect_uri: afterLogout,
  state,
})
const back = await visit(leaving)
assert.equal(back.href, `${afterLogout}?state=${state}`)
const logout = await logouts.next(as, client)
await assert.rejects(
  proven(refresh),
  (error) => error instanceof oauth.ResponseBodyError && error.error === 'invalid_grant',
)
assert.equal(nonces, 1, 'every later proof has the last nonce')

done({ claims, userinfo, introspected, logout })
