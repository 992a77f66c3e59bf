// A relying party built on openid-client (certified): the whole life of a login, from discovery to
// logout.

import assert from 'node:assert/strict'
import * as client from 'openid-client'
import { done, given, newKey, register, visit } from '../driver.mjs'

const { issuer } = given
const key = await newKey('rp-1')
const metadata = await register({
  ...given.metadata,
  ...(given.metadata.token_endpoint_auth_method === 'private_key_jwt' && { jwks: key.jwks }),
})
const { scope } = metadata
const [redirectUri] = metadata.redirect_uris
const [afterLogout] = metadata.post_logout_redirect_uris

function authentication() {
  switch (metadata.token_endpoint_auth_method) {
    case 'client_secret_basic':
      return client.ClientSecretBasic(metadata.client_secret)
    case 'client_secret_post':
      return client.ClientSecretPost(metadata.client_secret)
    case 'private_key_jwt':
      return client.PrivateKeyJwt(key)
    case 'none':
      return client.None()
  }
  throw new Error(metadata.token_endpoint_auth_method)
}

async function discover() {
  const execute = [client.enableNonRepudiationChecks] // verify every signature, TLS or not
  if (issuer.startsWith('http:')) execute.push(client.allowInsecureRequests)
  const { client_id, ...registered } = metadata
  return client.discovery(new URL(issuer), client_id, registered, authentication(), {
    execute,
  })
}

// Sends the browser off and gives what it came back with, and the checks that belong to it.
async function authorize(config, parameters = {}) {
  const checks = {
    pkceCodeVerifier: client.randomPKCECodeVerifier(),
    expectedState: client.randomState(),
    expectedNonce: client.randomNonce(),
    idTokenExpected: true,
  }
  const url = client.buildAuthorizationUrl(config, {
    redirect_uri: redirectUri,
    scope,
    state: checks.expectedState,
    nonce: checks.expectedNonce,
    code_challenge: await client.calculatePKCECodeChallenge(checks.pkceCodeVerifier),
    code_challenge_method: 'S256',
    ...parameters,
  })
  return [await visit(url), checks]
}

const config = await discover()
assert(config.serverMetadata().supportsPKCE())

const [callback, checks] = await authorize(config, { max_age: '600' })
const tokens = await client.authorizationCodeGrant(config, callback, { ...checks, maxAge: 600 })
const claims = tokens.claims()
const userinfo = await client.fetchUserInfo(config, tokens.access_token, claims.sub)

let introspected = null
if (metadata.token_endpoint_auth_method !== 'none') {
  introspected = await client.tokenIntrospection(config, tokens.access_token)
}

const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token)
assert.equal(refreshed.claims().sub, claims.sub)
assert.notEqual(refreshed.access_token, tokens.access_token)
assert.notEqual(refreshed.refresh_token, tokens.refresh_token)
await client.fetchUserInfo(config, refreshed.access_token, claims.sub)

await client.tokenRevocation(config, refreshed.access_token)
await assert.rejects(
  client.fetchUserInfo(config, refreshed.access_token, claims.sub),
  client.WWWAuthenticateChallengeError,
)
if (introspected) {
  const { active } = await client.tokenIntrospection(config, refreshed.access_token)
  assert.equal(active, false)
}
await client.fetchUserInfo(config, tokens.access_token, claims.sub) // the other one works on

await client.tokenRevocation(config, refreshed.refresh_token)
await assert.rejects(
  client.refreshTokenGrant(config, refreshed.refresh_token),
  (error) => error instanceof client.ResponseBodyError && error.error === 'invalid_grant',
)

const state = client.randomState()
const back = await visit(
  client.buildEndSessionUrl(config, {
    id_token_hint: tokens.id_token,
    post_logout_redirect_uri: afterLogout,
    state,
  }),
)
assert.equal(back.href, `${afterLogout}?state=${state}`)

const [refused, again] = await authorize(config, { prompt: 'none' })
await assert.rejects(
  client.authorizationCodeGrant(config, refused, again),
  (error) => error instanceof client.AuthorizationResponseError && error.error === 'login_required',
)

done({ claims, userinfo, introspected })
