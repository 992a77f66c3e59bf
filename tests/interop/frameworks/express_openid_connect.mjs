// express-openid-connect. Its default is an ID token by form_post without a code: name the code flow.

import express from 'express'
import oidc from 'express-openid-connect'
import { given, register } from '../driver.mjs'
import { browse, serve, tell } from './portal.mjs'

const portal = await serve(async (url) => {
  const { client_id, client_secret, scope } = await register({
    redirect_uris: [`${url}/callback`],
    ...given.metadata,
  })
  const app = express()
  app.use(
    oidc.auth({
      issuerBaseURL: given.issuer,
      baseURL: url,
      clientID: client_id,
      clientSecret: client_secret,
      secret: 'only a test, and long enough for a key',
      idTokenSigningAlg: 'RS256',
      authRequired: false,
      clientAuthMethod: 'client_secret_basic',
      authorizationParams: { response_type: 'code', scope },
    }),
  )
  app.get('/', async (req, res) => {
    res.json({ claims: req.oidc.idTokenClaims, userinfo: await req.oidc.fetchUserInfo() })
  })
  return app
})
await tell(await browse(`${portal}/login`))
