"""The OpenID provider: OAuth 2.0 and OpenID Connect on top of the login desk."""
