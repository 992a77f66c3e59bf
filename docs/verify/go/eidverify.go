// Package eidverify verifies the e-ID provider's ID tokens and logout tokens. Copy this file; it
// needs the standard library alone.
//
// ID tokens: OpenID Connect Core 1.0 §3.1.3.7. Logout tokens: Back-Channel Logout 1.0 §2.6.
package eidverify

import (
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/big"
	"net/http"
	"strings"
	"sync"
	"time"
)

const (
	logoutEvent = "http://schemas.openid.net/event/backchannel-logout"
	skew        = 30 // seconds by which the two clocks may differ
)

// Levels are the values of acr, the weakest first.
var Levels = []string{"urn:vn:eid:level:1", "urn:vn:eid:level:2", "urn:vn:eid:level:3", "urn:vn:eid:level:4"}

// Refused says that the token must not be used: it is the name of the member at fault, or "token"
// for a malformed one.
type Refused string

func (r Refused) Error() string { return "the token was refused: " + string(r) }

// Claims are what a verified token says.
type Claims map[string]any

// Provider is whose tokens are accepted, and for whom. Alg is your id_token_signed_response_alg:
// RS256, PS256 or ES256.
type Provider struct {
	Issuer, ClientID, Alg string
	Keys                  *Keys
}

// Expected is what you asked for. MinACR may be empty: any level. MaxAge is the max_age that you
// sent, in seconds, or nil. AccessToken is the one that came beside the ID token, or empty.
type Expected struct {
	Nonce, MinACR, AccessToken string
	MaxAge                     *int
}

// VerifyIDToken returns the claims of an ID token that answers the login you began. The error is a
// Refused, or another one where the provider's keys cannot be fetched.
func (p *Provider) VerifyIDToken(token string, want Expected) (Claims, error) {
	lowest, err := level(want.MinACR)
	if err != nil {
		return nil, err
	}
	if want.Nonce == "" {
		return nil, errors.New("give the nonce that you sent")
	}
	claims, err := p.verify(token, "sub", "jwt", "")
	if err != nil {
		return nil, err
	}
	nonce, _ := claims["nonce"].(string)
	if subtle.ConstantTimeCompare([]byte(nonce), []byte(want.Nonce)) != 1 {
		return nil, Refused("nonce")
	}
	acr, _ := claims["acr"].(string)
	if reached, err := level(acr); acr == "" || err != nil || reached < lowest {
		return nil, Refused("acr")
	}
	if want.MaxAge != nil {
		at, whole := integer(claims["auth_time"])
		if !whole || now()-at > float64(*want.MaxAge+skew) {
			return nil, Refused("auth_time")
		}
	}
	if want.AccessToken != "" && claims["at_hash"] != halfHash(want.AccessToken) {
		return nil, Refused("at_hash")
	}
	return claims, nil
}

// VerifyLogoutToken returns the claims of a logout token: end your sessions whose ID token had its
// sid; if it has none, all sessions of its sub. firstUse stores a jti for some seconds and returns
// whether it was new, in one atomic step that all of your processes share: SET jti:… 1 NX EX … in
// Redis. If the error is a Refused, answer 400; else 503, and the logout comes again.
func (p *Provider) VerifyLogoutToken(token string, firstUse func(jti string, seconds int) (bool, error)) (Claims, error) {
	claims, err := p.verify(token, "jti", "logout+jwt")
	if err != nil {
		return nil, err
	}
	events, _ := claims["events"].(map[string]any)
	if _, there := events[logoutEvent].(map[string]any); !there {
		return nil, Refused("events")
	}
	if _, there := claims["nonce"]; there {
		return nil, Refused("nonce")
	}
	who, there := claims["sid"]
	if !there {
		who = claims["sub"]
	}
	if _, text := who.(string); !text {
		return nil, Refused("sid")
	}
	seconds := int(claims["exp"].(float64)-now()) + 2*skew
	first, err := firstUse(claims["jti"].(string), seconds)
	if err != nil {
		return nil, err
	}
	if !first {
		return nil, Refused("jti")
	}
	return claims, nil
}

// verify returns the claims once signature, type, issuer, audience and times are checked.
func (p *Provider) verify(token, required string, types ...string) (Claims, error) {
	claims, err := p.signed(token, types)
	if err != nil {
		return nil, err
	}
	if claims["iss"] != p.Issuer {
		return nil, Refused("iss")
	}
	// Nobody but you: a token for several could have been given to one of the others.
	if several, array := claims["aud"].([]any); array && len(several) == 1 {
		claims["aud"] = several[0]
	}
	if claims["aud"] != p.ClientID {
		return nil, Refused("aud")
	}
	if azp, there := claims["azp"]; there && azp != p.ClientID {
		return nil, Refused("azp")
	}
	if exp, whole := integer(claims["exp"]); !whole || exp+skew <= now() {
		return nil, Refused("exp")
	}
	if iat, whole := integer(claims["iat"]); !whole || iat-skew > now() {
		return nil, Refused("iat")
	}
	if text, _ := claims[required].(string); text == "" {
		return nil, Refused(required)
	}
	return claims, nil
}

// signed returns the claims of a token of one of these types that the provider signed.
func (p *Provider) signed(token string, types []string) (Claims, error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil, Refused("token")
	}
	header, claims := Claims{}, Claims{}
	signature, err := decode(parts[2])
	if err != nil || read(parts[0], &header) != nil || read(parts[1], &claims) != nil {
		return nil, Refused("token")
	}
	if header["alg"] != p.Alg {
		return nil, Refused("alg")
	}
	if _, there := header["crit"]; there {
		return nil, Refused("token")
	}
	if !among(header["typ"], types) {
		return nil, Refused("typ")
	}
	kid, _ := header["kid"].(string)
	key, err := p.Keys.find(kid, p.Alg)
	if err != nil {
		return nil, err
	}
	digest := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if !signedBy(key, p.Alg, digest[:], signature) {
		return nil, Refused("signature")
	}
	return claims, nil
}

func signedBy(key crypto.PublicKey, alg string, digest, signature []byte) bool {
	switch key := key.(type) {
	case *rsa.PublicKey:
		if alg == "PS256" {
			length := &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}
			return rsa.VerifyPSS(key, crypto.SHA256, digest, signature, length) == nil
		}
		return alg == "RS256" && rsa.VerifyPKCS1v15(key, crypto.SHA256, digest, signature) == nil
	case *ecdsa.PublicKey:
		if alg != "ES256" || len(signature) != 64 {
			return false
		}
		return ecdsa.Verify(key, digest, number(signature[:32]), number(signature[32:]))
	}
	return false
}

// Keys are the provider's public keys, fetched again every ten minutes and for an unknown kid, but
// for that once in RefetchAfter at most: forged tokens cannot make this program call the provider
// again and again. Make it once.
type Keys struct {
	URI          string
	RefetchAfter time.Duration // NewKeys: 30 seconds
	HTTP         *http.Client

	mutex            sync.Mutex
	known            []jwk
	fetched, started time.Time
}

const maxAge = 10 * time.Minute

// NewKeys are those of the provider's jwks_uri.
func NewKeys(uri string) *Keys {
	return &Keys{URI: uri, RefetchAfter: 30 * time.Second, HTTP: &http.Client{Timeout: 5 * time.Second}}
}

func (k *Keys) find(kid, alg string) (crypto.PublicKey, error) {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	if time.Since(k.fetched) >= maxAge {
		if err := k.fetch(); err != nil {
			return nil, err
		}
	}
	key := k.named(kid, alg)
	if key == nil && time.Since(k.started) >= k.RefetchAfter {
		if err := k.fetch(); err != nil {
			return nil, err
		}
		key = k.named(kid, alg)
	}
	if key == nil {
		return nil, Refused("kid")
	}
	return key, nil
}

func (k *Keys) named(kid, alg string) crypto.PublicKey {
	for _, each := range k.known {
		if each.Kid == kid && each.Alg == alg {
			return each.public()
		}
	}
	return nil
}

func (k *Keys) fetch() error {
	k.started = time.Now()
	answer, err := k.HTTP.Get(k.URI)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answered %s", k.URI, answer.Status)
	}
	var set struct{ Keys []jwk }
	if err := json.NewDecoder(io.LimitReader(answer.Body, 1<<20)).Decode(&set); err != nil {
		return err
	}
	k.known, k.fetched = set.Keys, k.started
	return nil
}

type jwk struct{ Kty, Kid, Alg, Crv, N, E, X, Y string }

// public is nil where this is no key for a signature.
func (j jwk) public() crypto.PublicKey {
	switch {
	case j.Kty == "RSA":
		n, notN := decode(j.N)
		e, notE := decode(j.E)
		if notN != nil || notE != nil || len(n) < 256 || len(e) > 4 {
			return nil
		}
		return &rsa.PublicKey{N: number(n), E: int(number(e).Int64())}
	case j.Kty == "EC" && j.Crv == "P-256":
		x, notX := decode(j.X)
		y, notY := decode(j.Y)
		if notX != nil || notY != nil || len(x) != 32 {
			return nil
		}
		if _, err := ecdh.P256().NewPublicKey(append(append([]byte{4}, x...), y...)); err != nil {
			return nil // not on the curve
		}
		return &ecdsa.PublicKey{Curve: elliptic.P256(), X: number(x), Y: number(y)}
	}
	return nil
}

// level is the place of an acr; that of the empty one is the lowest.
func level(acr string) (int, error) {
	for place, each := range Levels {
		if acr == each || acr == "" {
			return place, nil
		}
	}
	return 0, fmt.Errorf("%q is not a level", acr)
}

// halfHash is the at_hash of an access token under ES256, RS256 and PS256 (Core §3.1.3.6).
func halfHash(accessToken string) string {
	digest := sha256.Sum256([]byte(accessToken))
	return base64.RawURLEncoding.EncodeToString(digest[:16])
}

func among(typ any, types []string) bool {
	text, isText := typ.(string)
	if typ != nil && !isText {
		return false
	}
	text = strings.TrimPrefix(strings.ToLower(text), "application/")
	for _, each := range types {
		if text == each {
			return true
		}
	}
	return false
}

func decode(text string) ([]byte, error) { return base64.RawURLEncoding.Strict().DecodeString(text) }

func read(part string, into *Claims) error {
	text, err := decode(part)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, into); err != nil {
		return err
	}
	if *into == nil {
		return errors.New("not an object")
	}
	return nil
}

func integer(value any) (float64, bool) {
	found, isNumber := value.(float64)
	return found, isNumber && found == math.Trunc(found) && math.Abs(found) < 1<<53
}

func number(octets []byte) *big.Int { return new(big.Int).SetBytes(octets) }

func now() float64 { return float64(time.Now().Unix()) }
