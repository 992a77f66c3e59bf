// Verify the e-ID provider's ID tokens and logout tokens. Copy this file; it needs jose 6.
//
// ID tokens: OpenID Connect Core 1.0 §3.1.3.7. Logout tokens: Back-Channel Logout 1.0 §2.6.

import { createHash, timingSafeEqual } from 'node:crypto'
import { createRemoteJWKSet, errors, jwtVerify } from 'jose'

// Values of acr, the weakest first.
export const LEVELS = [1, 2, 3, 4].map((n) => `urn:vn:eid:level:${n}`)
const LOGOUT_EVENT = 'http://schemas.openid.net/event/backchannel-logout'
const SKEW = 30 // seconds by which the two clocks may differ

// The token must not be used. `reason` names the member at fault, `token` a malformed one.
export class Refused extends Error {
  constructor(reason, cause) {
    super(`the token was refused: ${reason}`, { cause })
    this.reason = reason
  }
}

// Whose tokens are accepted, and for whom. Make it once. `alg` is your id_token_signed_response_alg.
// The keys are fetched again every ten minutes and for an unknown kid, but for that once in
// `refetchAfter` ms at most: forged tokens cannot make this program call the provider again and again.
export function provider({ issuer, clientId, jwksUri, alg = 'RS256', refetchAfter = 30_000 }) {
  const keys = createRemoteJWKSet(new URL(jwksUri), { cooldownDuration: refetchAfter })
  return { issuer, clientId, keys, alg }
}

// The claims of an ID token that answers the login you began. `nonce` is the one you sent, kept in
// the browser's session; `minAcr` the level you need; `maxAge` the max_age you sent, if any, in
// seconds; `accessToken` the one that came beside it. Throws Refused, or another error where the
// provider's keys cannot be fetched.
export async function verifyIdToken(
  provider,
  token,
  { nonce, minAcr = LEVELS[0], maxAge, accessToken },
) {
  const claims = await verify(provider, token, ['jwt', ''], 'sub')
  if (typeof nonce !== 'string') throw new TypeError('give the nonce that you sent')
  if (!LEVELS.includes(minAcr)) throw new TypeError(`${minAcr} is not a level`)
  if (typeof claims.nonce !== 'string' || !equal(claims.nonce, nonce)) throw new Refused('nonce')
  if (!LEVELS.slice(LEVELS.indexOf(minAcr)).includes(claims.acr)) throw new Refused('acr')
  if (maxAge !== undefined) checkAuthTime(claims.auth_time, maxAge)
  if (accessToken !== undefined && claims.at_hash !== halfHash(accessToken)) {
    throw new Refused('at_hash')
  }
  return claims
}

// The claims of a logout token: end the sessions with its sid, or without one its sub's.
// `firstUse(jti, seconds)` stores jti for so long and says (or promises) whether it was new, in one
// atomic step that all of your processes share. With Redis:
// async (jti, seconds) => (await redis.set(`jti:${jti}`, 1, { NX: true, EX: seconds })) === 'OK'
// Throws Refused: answer 400; or another error where the keys cannot be fetched: answer 503.
export async function verifyLogoutToken(provider, token, firstUse) {
  const claims = await verify(provider, token, ['logout+jwt'], 'jti')
  if (!isObject(claims.events) || !isObject(claims.events[LOGOUT_EVENT])) {
    throw new Refused('events')
  }
  if ('nonce' in claims) throw new Refused('nonce')
  if (typeof (claims.sid ?? claims.sub) !== 'string') throw new Refused('sid')
  const seconds = Math.floor(claims.exp - Date.now() / 1000) + 2 * SKEW
  if (!(await firstUse(claims.jti, seconds))) throw new Refused('jti')
  return claims
}

// The claims, once signature, type, issuer, audience and times are checked.
async function verify({ issuer, clientId, keys, alg }, token, typ, required) {
  const { payload, protectedHeader } = await jwtVerify(token, keys, {
    algorithms: [alg],
    issuer,
    clockTolerance: SKEW,
    requiredClaims: ['iss', 'aud', 'exp', 'iat'],
  }).catch(refuse)
  const type = String(protectedHeader.typ ?? '').toLowerCase().replace(/^application\//, '')
  if (!typ.includes(type)) throw new Refused('typ')
  if (payload.iat > Date.now() / 1000 + SKEW) throw new Refused('iat')
  if (typeof payload[required] !== 'string') throw new Refused(required)
  // Nobody but you: a token for several could have been given to one of the others.
  const audience = [payload.aud].flat()
  if (audience.length !== 1 || audience[0] !== clientId) throw new Refused('aud')
  if ((payload.azp ?? clientId) !== clientId) throw new Refused('azp')
  return payload
}

function refuse(error) {
  if (error instanceof errors.JWTClaimValidationFailed || error instanceof errors.JWTExpired) {
    throw new Refused(error.claim, error)
  }
  if (error instanceof errors.JOSEAlgNotAllowed) throw new Refused('alg', error)
  if (error instanceof errors.JWKSNoMatchingKey) throw new Refused('kid', error)
  if (error instanceof errors.JWSSignatureVerificationFailed) throw new Refused('signature', error)
  if (error instanceof errors.JWSInvalid || error instanceof errors.JWTInvalid) {
    throw new Refused('token', error)
  }
  if (error instanceof errors.JOSENotSupported) throw new Refused('token', error)
  throw error
}

function checkAuthTime(authTime, maxAge) {
  if (!Number.isInteger(authTime) || Date.now() / 1000 - authTime > maxAge + SKEW) {
    throw new Refused('auth_time')
  }
}

// at_hash under ES256, RS256 and PS256 (OpenID Connect Core §3.1.3.6).
function halfHash(accessToken) {
  return createHash('sha256').update(accessToken).digest().subarray(0, 16).toString('base64url')
}

function equal(left, right) {
  const [a, b] = [Buffer.from(left), Buffer.from(right)]
  return a.length === b.length && timingSafeEqual(a, b)
}

function isObject(value) {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
