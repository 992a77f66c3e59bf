// NextAuth.js 4 with `type: 'oauth'` and discovery. By hand: it brings Next.js along.

import { createRequire } from 'node:module'
import { given, register } from '../driver.mjs'
import { browse, serve, tell } from '../frameworks/portal.mjs'

const require = createRequire(`${process.cwd()}/`) // the packages are where it is started
const express = require('express')
const cookieParser = require('cookie-parser')
const { default: NextAuth } = require('next-auth')

const portal = await serve(async (url) => {
  process.env.NEXTAUTH_URL = url
  const { client_id, client_secret, scope } = await register({
    redirect_uris: [`${url}/api/auth/callback/eid`],
    ...given.metadata,
  })
  let seen
  const handler = NextAuth({
    secret: 'only a test, and long enough for a key',
    providers: [
      {
        id: 'eid',
        name: 'e-ID',
        type: 'oauth',
        wellKnown: `${given.issuer}/.well-known/openid-configuration`,
        clientId: client_id,
        clientSecret: client_secret,
        authorization: { params: { scope } },
        checks: ['pkce', 'state', 'nonce'],
        idToken: true,
        profile: async (claims, { access_token }) => {
          const authorization = `Bearer ${access_token}`
          const answer = await fetch(`${given.issuer}/userinfo`, { headers: { authorization } })
          seen = { claims, userinfo: await answer.json() }
          return { id: claims.sub }
        },
      },
    ],
  })
  const app = express()
  app.use(cookieParser(), express.urlencoded({ extended: false }), express.json())
  app.use('/api/auth', (req, res) => {
    const nextauth = req.path.slice(1).split('/')
    Object.defineProperty(req, 'query', { value: { ...req.query, nextauth } })
    return handler(req, res)
  })
  app.get('/', (req, res) => res.json(seen))
  return app
})
const { response, cookies } = await browse(`${portal}/api/auth/csrf`)
const { csrfToken } = await response.json()
const body = new URLSearchParams({ csrfToken, callbackUrl: `${portal}/` })
await tell(await browse(`${portal}/api/auth/signin/eid`, { cookies, method: 'POST', body }))
