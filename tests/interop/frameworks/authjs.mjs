// Auth.js with Express. `checks` must name the nonce; a login begins with a POST and a CSRF token.

import { ExpressAuth } from '@auth/express'
import express from 'express'
import { given, register } from '../driver.mjs'
import { browse, serve, tell } from './portal.mjs'

const portal = await serve(async (url) => {
  const { client_id, client_secret, scope } = await register({
    redirect_uris: [`${url}/auth/callback/eid`],
    ...given.metadata,
  })
  let seen
  const app = express()
  app.use(
    '/auth', // its README's /auth/* is for Express 4
    ExpressAuth({
      secret: 'only a test, and long enough for a key',
      trustHost: true,
      providers: [
        {
          id: 'eid',
          name: 'e-ID',
          type: 'oidc',
          issuer: given.issuer,
          clientId: client_id,
          clientSecret: client_secret,
          checks: ['pkce', 'state', 'nonce'],
          idToken: false, // ask UserInfo too
          authorization: { params: { scope } },
          profile: (userinfo, tokens) => {
            const [, payload] = tokens.id_token.split('.')
            seen = { claims: JSON.parse(Buffer.from(payload, 'base64url')), userinfo }
            return { id: userinfo.sub, name: userinfo.name }
          },
        },
      ],
    }),
  )
  app.get('/', (req, res) => res.json(seen))
  return app
})
const { response, cookies } = await browse(`${portal}/auth/csrf`)
const { csrfToken } = await response.json()
const body = new URLSearchParams({ csrfToken, callbackUrl: `${portal}/` })
await tell(await browse(`${portal}/auth/signin/eid`, { cookies, method: 'POST', body }))
