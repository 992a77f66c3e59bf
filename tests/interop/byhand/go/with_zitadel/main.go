// zitadel/oidc v3, the relying party's half.
package main

import (
	"context"
	"log"

	"byhand/portal"

	"github.com/zitadel/oidc/v3/pkg/client/rp"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"golang.org/x/oauth2"
)

func main() {
	client, ctx := portal.Register(), context.Background()
	verifier, state, nonce := oauth2.GenerateVerifier(), oauth2.GenerateVerifier(), oauth2.GenerateVerifier()
	sent := rp.WithNonce(func(context.Context) string { return nonce })
	scopes := []string{oidc.ScopeOpenID, oidc.ScopeProfile, "pid", "age"}
	eid, err := rp.NewRelyingPartyOIDC(ctx, client.Issuer, client.ID, client.Secret, portal.Redirect, scopes,
		rp.WithVerifierOpts(sent))
	portal.Must(err)
	back := portal.Visit(rp.AuthURL(state, eid,
		rp.WithCodeChallenge(oidc.NewSHACodeChallenge(verifier)),
		rp.AuthURLOpt(rp.WithURLParam("nonce", nonce))))
	if back.Get("state") != state {
		log.Fatal("state")
	}
	tokens, err := rp.CodeExchange[*oidc.IDTokenClaims](ctx, back.Get("code"), eid, rp.WithCodeVerifier(verifier))
	portal.Must(err)
	citizen, err := rp.Userinfo[*oidc.UserInfo](ctx, tokens.AccessToken, tokens.TokenType, tokens.IDTokenClaims.Subject, eid)
	portal.Must(err)
	portal.Done(tokens.IDTokenClaims, citizen)
}
