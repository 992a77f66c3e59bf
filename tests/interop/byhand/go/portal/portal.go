// Package portal speaks with the runner (tests/interop/relying_party.py): a line of JSON each.
package portal

import (
	"bufio"
	"encoding/json"
	"log"
	"net/url"
	"os"
)

// Redirect is the client's only redirect URI. Nothing listens there: the runner says where the browser came back.
const Redirect = "https://rp.example/callback"

// Client is what was registered.
type Client struct {
	Issuer, ID, Secret string
}

var input = bufio.NewReader(os.Stdin)

// Register registers the client.
func Register() Client {
	var given struct {
		Issuer   string         `json:"issuer"`
		Metadata map[string]any `json:"metadata"`
	}
	Must(json.Unmarshal([]byte(os.Args[1]), &given))
	metadata := map[string]any{"redirect_uris": []string{Redirect}}
	for name, value := range given.Metadata {
		metadata[name] = value
	}
	var answer struct {
		ID     string `json:"client_id"`
		Secret string `json:"client_secret"`
	}
	ask("register", metadata, &answer)
	return Client{given.Issuer, answer.ID, answer.Secret}
}

// Visit sends the browser to the authorization endpoint and returns the parameters that it came back with.
func Visit(to string) url.Values {
	var back string
	ask("visit", to, &back)
	parsed, err := url.Parse(back)
	Must(err)
	return parsed.Query()
}

// Done ends the program with the claims that the library verified.
func Done(claims, userinfo any) {
	tell("done", map[string]any{"claims": claims, "userinfo": userinfo})
}

// Must ends the program where there is an error.
func Must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func ask(name string, question, answer any) {
	tell(name, question)
	line, err := input.ReadBytes('\n')
	Must(err)
	Must(json.Unmarshal(line, answer))
}

func tell(name string, value any) {
	Must(json.NewEncoder(os.Stdout).Encode(map[string]any{name: value}))
}
