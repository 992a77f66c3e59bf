// What the relying parties in JavaScript share: their talk with the test (relying_party.py), which
// is their operator and the citizen's browser, and the address where they hear of logouts.

import assert from 'node:assert/strict'
import { webcrypto } from 'node:crypto'
import { on, once } from 'node:events'
import { createServer } from 'node:http'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import * as jose from 'jose'

export const given = JSON.parse(process.argv[2])

const answers = createInterface({ input: process.stdin })[Symbol.asyncIterator]()

async function ask(question) {
  process.stdout.write(`${JSON.stringify(question)}\n`)
  const { value, done } = await answers.next()
  assert(!done, 'the test never answered')
  return JSON.parse(value)
}

export const register = (metadata) => ask({ register: metadata })
export const visit = async ({ href }) => new URL(await ask({ visit: href }))

export function done(result) {
  process.stdout.write(`${JSON.stringify({ done: result })}\n`)
  process.exit(0)
}

// The private key that the client signs with, and the jwks that it registers.
export async function newKey(kid) {
  const curve = { name: 'ECDSA', namedCurve: 'P-256' }
  const pair = await webcrypto.subtle.generateKey(curve, false, ['sign', 'verify'])
  const { kty, crv, x, y } = await webcrypto.subtle.exportKey('jwk', pair.publicKey)
  const jwks = { keys: [{ kty, crv, x, y, kid, use: 'sig', alg: 'ES256' }] }
  return { key: pair.privateKey, kid, jwks }
}

const EVENT = 'http://schemas.openid.net/event/backchannel-logout'
const PATIENCE = 90_000 // ms, the whole run; a test is given 120 s

// A back-channel logout endpoint. `next` gives the claims of the token that comes next, verified.
export async function listen() {
  const server = createServer()
  const requests = on(server, 'request', { signal: AbortSignal.timeout(PATIENCE) })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const uri = `http://127.0.0.1:${server.address().port}/backchannel_logout`

  async function next({ issuer, jwks_uri }, { client_id, id_token_signed_response_alg }) {
    const { value: [request, response] } = await requests.next()
    assert.equal(request.method, 'POST')
    assert.equal(request.headers['content-type'], 'application/x-www-form-urlencoded')
    const form = new URLSearchParams(await text(request))
    assert.deepEqual([...form.keys()], ['logout_token'])
    const keys = jose.createRemoteJWKSet(new URL(jwks_uri))
    const { payload } = await jose.jwtVerify(form.get('logout_token'), keys, {
      typ: 'logout+jwt',
      algorithms: [id_token_signed_response_alg],
      issuer,
      audience: client_id,
      requiredClaims: ['iat', 'exp', 'jti', 'sub', 'sid'],
      maxTokenAge: 120,
    })
    assert.deepEqual(payload.events, { [EVENT]: {} })
    assert(!('nonce' in payload), 'a logout token is never an ID token')
    assert(payload.exp - payload.iat <= 120)
    response.writeHead(204).end()
    return payload
  }
  return { uri, next }
}
