// passport-openidconnect. It sends the secret in the body, always: client_secret_post. It has no PKCE
// and does not verify the signature of the ID token: it trusts the connection to /token.

import express from 'express'
import session from 'express-session'
import passport from 'passport'
import { Strategy } from 'passport-openidconnect'
import { given, register } from '../driver.mjs'
import { browse, serve, tell } from './portal.mjs'

const { issuer } = given

const portal = await serve(async (url) => {
  const { client_id, client_secret, scope } = await register({
    redirect_uris: [`${url}/callback`],
    ...given.metadata,
  })
  passport.use(
    new Strategy(
      {
        issuer,
        authorizationURL: `${issuer}/authorize`,
        tokenURL: `${issuer}/token`,
        userInfoURL: `${issuer}/userinfo`,
        clientID: client_id,
        clientSecret: client_secret,
        callbackURL: `${url}/callback`,
        scope: scope.replace('openid ', ''),
        nonce: true,
      },
      (iss, profile, idProfile, context, idToken, accessToken, refreshToken, params, verified) => {
        const [, payload] = idToken.split('.')
        const claims = JSON.parse(Buffer.from(payload, 'base64url'))
        verified(null, { claims, userinfo: profile._json })
      },
    ),
  )
  passport.serializeUser((user, next) => next(null, user))
  passport.deserializeUser((user, next) => next(null, user))
  const app = express()
  app.use(session({ secret: 'only a test', resave: false, saveUninitialized: false }))
  app.use(passport.session())
  app.get('/login', passport.authenticate('openidconnect'))
  app.get('/callback', passport.authenticate('openidconnect', { failWithError: true }), (req, res) =>
    res.redirect('/me'),
  )
  app.get('/me', (req, res) => res.json(req.user))
  return app
})
await tell(await browse(`${portal}/login`))
