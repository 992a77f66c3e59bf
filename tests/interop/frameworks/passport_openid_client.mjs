// openid-client's own strategy for Passport: PKCE, and the ID token's signature verified.

import express from 'express'
import session from 'express-session'
import * as client from 'openid-client'
import { Strategy } from 'openid-client/passport'
import passport from 'passport'
import { given, register } from '../driver.mjs'
import { browse, serve, tell } from './portal.mjs'

const portal = await serve(async (url) => {
  const callbackURL = `${url}/callback`
  const { client_id, client_secret, scope } = await register({
    redirect_uris: [callbackURL],
    ...given.metadata,
  })
  const secret = client.ClientSecretBasic(client_secret)
  const always = { execute: [client.enableNonRepudiationChecks] }
  const config = await client.discovery(
    new URL(given.issuer),
    client_id,
    given.metadata,
    secret,
    always,
  )
  passport.use(
    new Strategy({ config, scope, callbackURL, name: 'eid' }, async (tokens, verified) => {
      const claims = tokens.claims()
      const userinfo = await client.fetchUserInfo(config, tokens.access_token, claims.sub)
      verified(null, { claims, userinfo })
    }),
  )
  passport.serializeUser((user, next) => next(null, user))
  passport.deserializeUser((user, next) => next(null, user))
  const app = express()
  app.use(session({ secret: 'only a test', resave: false, saveUninitialized: false }))
  app.use(passport.session())
  app.get('/login', passport.authenticate('eid'))
  app.get('/callback', passport.authenticate('eid', { failWithError: true }), (req, res) =>
    res.redirect('/me'),
  )
  app.get('/me', (req, res) => res.json(req.user))
  return app
})
await tell(await browse(`${portal}/login`))
