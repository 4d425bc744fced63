package upsim

import (
	"encoding/json"
	"fmt"
	"regexp"
)

// recognisable are the ids of fixtures that no vendor gives out.
var recognisable = regexp.MustCompile(`(?i)sim|^wx0{10}`)

// Credentials returns the secrets, and the ids that no vendor gives out, of the accounts
// that every simulator starts with. Whoever reads the source knows them, so that a server
// in earnest must have none of them.
func Credentials() (map[string]bool, error) {
	all := map[string]bool{}
	for _, file := range [][]byte{fixtureFile, socialFixtures} {
		var content map[string]any
		if err := json.Unmarshal(file, &content); err != nil {
			return nil, fmt.Errorf("upsim: fixtures: %w", err)
		}
		delete(content, "users")
		collect(all, content)
	}
	return all, nil
}

// collect adds what is secret or recognisable below v.
func collect(all map[string]bool, v map[string]any) {
	for name, value := range v {
		if _, account := value.(map[string]any); account && recognisable.MatchString(name) {
			all[name] = true
		}
		switch value := value.(type) {
		case map[string]any:
			collect(all, value)
		case string:
			switch name {
			case "secret", "secret_key", "app_key", "auth_token", "password", "team", "key_id":
				all[value] = true
			}
		}
	}
}
