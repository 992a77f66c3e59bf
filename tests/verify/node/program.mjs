// Answers the table's questions (tests/verify/test_verify.py) with docs/verify/node.

import { createInterface } from 'node:readline'
import { Refused, provider, verifyIdToken, verifyLogoutToken } from '../../../docs/verify/node/eid-verify.mjs'

const used = new Set()
const firstUse = (jti, seconds) => !used.has(jti) && Boolean(used.add(jti)) && seconds > 0

async function answer(op, { id_token, logout_token, expected }) {
  try {
    if (logout_token) return { claims: await verifyLogoutToken(op, logout_token, firstUse) }
    const { nonce, min_acr: minAcr, max_age: maxAge, access_token: accessToken } = expected
    return { claims: await verifyIdToken(op, id_token, { nonce, minAcr, maxAge, accessToken }) }
  } catch (error) {
    if (error instanceof Refused) return { refused: error.reason }
    throw error
  }
}

let op
for await (const line of createInterface({ input: process.stdin })) {
  const asked = JSON.parse(line)
  if (op) console.log(JSON.stringify(await answer(op, asked)))
  else {
    const { issuer, client_id: clientId, jwks_uri: jwksUri, alg, refetch_after } = asked
    op = provider({ issuer, clientId, jwksUri, alg, refetchAfter: refetch_after * 1000 })
  }
}
