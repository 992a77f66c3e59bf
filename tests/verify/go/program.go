// Answers the table's questions (tests/verify/test_verify.py) with docs/verify/go.
package main

import (
	"encoding/json"
	"errors"
	"log"
	"os"
	"time"

	"eidverify"
)

type question struct {
	IDToken  string `json:"id_token"`
	Logout   string `json:"logout_token"`
	Expected struct {
		Nonce  string
		MinACR string `json:"min_acr"`
		MaxAge *int   `json:"max_age"`
		Access string `json:"access_token"`
	}
}

func main() {
	var given struct {
		Issuer       string
		ClientID     string `json:"client_id"`
		JwksURI      string `json:"jwks_uri"`
		Alg          string
		RefetchAfter float64 `json:"refetch_after"`
	}
	in, out := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	if err := in.Decode(&given); err != nil {
		log.Fatal(err)
	}
	keys := eidverify.NewKeys(given.JwksURI)
	keys.RefetchAfter = time.Duration(given.RefetchAfter * float64(time.Second))
	provider := eidverify.Provider{Issuer: given.Issuer, ClientID: given.ClientID, Alg: given.Alg, Keys: keys}
	used := map[string]bool{}
	firstUse := func(jti string, seconds int) (bool, error) {
		first := !used[jti] && seconds > 0
		used[jti] = true
		return first, nil
	}
	for {
		var asked question
		if err := in.Decode(&asked); err != nil {
			return
		}
		var claims eidverify.Claims
		var err error
		if asked.Logout != "" {
			claims, err = provider.VerifyLogoutToken(asked.Logout, firstUse)
		} else {
			claims, err = provider.VerifyIDToken(asked.IDToken, eidverify.Expected{
				Nonce: asked.Expected.Nonce, MinACR: asked.Expected.MinACR,
				AccessToken: asked.Expected.Access, MaxAge: asked.Expected.MaxAge,
			})
		}
		var refused eidverify.Refused
		switch {
		case errors.As(err, &refused):
			out.Encode(map[string]string{"refused": string(refused)})
		case err != nil:
			log.Fatal(err)
		default:
			out.Encode(map[string]any{"claims": claims})
		}
	}
}
