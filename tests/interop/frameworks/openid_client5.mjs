// openid-client 5, which many frameworks still bring along. RS256 unless the client is told.

import { Issuer, generators } from 'openid-client5'
import { done, given, register, visit } from '../driver.mjs'

const { client_id, client_secret, redirect_uris, scope } = await register(given.metadata)
const eid = await Issuer.discover(given.issuer)
const client = new eid.Client({ client_id, client_secret, redirect_uris })
const [redirectUri] = redirect_uris
const checks = {
  code_verifier: generators.codeVerifier(),
  state: generators.state(),
  nonce: generators.nonce(),
}
const url = client.authorizationUrl({
  scope,
  state: checks.state,
  nonce: checks.nonce,
  code_challenge: generators.codeChallenge(checks.code_verifier),
  code_challenge_method: 'S256',
})
const { href } = await visit(new URL(url))
const tokens = await client.callback(redirectUri, client.callbackParams(href), checks)
done({ claims: tokens.claims(), userinfo: await client.userinfo(tokens) })
