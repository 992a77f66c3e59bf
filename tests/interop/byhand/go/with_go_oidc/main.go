// coreos/go-oidc v3 with golang.org/x/oauth2.
package main

import (
	"context"
	"log"

	"byhand/portal"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

func main() {
	client, ctx := portal.Register(), context.Background()
	provider, err := oidc.NewProvider(ctx, client.Issuer)
	portal.Must(err)
	eid := oauth2.Config{
		ClientID:     client.ID,
		ClientSecret: client.Secret,
		Endpoint:     provider.Endpoint(),
		RedirectURL:  portal.Redirect,
		Scopes:       []string{oidc.ScopeOpenID, "profile", "pid", "age"},
	}
	verifier, state, nonce := oauth2.GenerateVerifier(), oauth2.GenerateVerifier(), oauth2.GenerateVerifier()
	back := portal.Visit(eid.AuthCodeURL(state, oidc.Nonce(nonce), oauth2.S256ChallengeOption(verifier)))
	if back.Get("state") != state {
		log.Fatal("state")
	}
	token, err := eid.Exchange(ctx, back.Get("code"), oauth2.VerifierOption(verifier))
	portal.Must(err)
	raw, _ := token.Extra("id_token").(string)
	who, err := provider.Verifier(&oidc.Config{ClientID: client.ID}).Verify(ctx, raw)
	portal.Must(err)
	if who.Nonce != nonce { // the library leaves this to us
		log.Fatal("nonce")
	}
	portal.Must(who.VerifyAccessToken(token.AccessToken))
	citizen, err := provider.UserInfo(ctx, eid.TokenSource(ctx, token))
	portal.Must(err)
	var claims, userinfo map[string]any
	portal.Must(who.Claims(&claims))
	portal.Must(citizen.Claims(&userinfo))
	portal.Done(claims, userinfo)
}
