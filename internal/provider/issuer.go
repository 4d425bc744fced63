package provider

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/tigertally/tigertally/internal/driver"
	"github.com/tigertally/tigertally/internal/errs"
)

// maxDocument is longer than any discovery document or key set one meets.
const maxDocument = 64 << 10

// metadata is what we read of a discovery document (OpenID Connect Discovery section 3,
// RFC 9207 section 3).
type metadata struct {
	Issuer        string   `json:"issuer"`
	Authorization string   `json:"authorization_endpoint"`
	Token         string   `json:"token_endpoint"`
	Userinfo      string   `json:"userinfo_endpoint"`
	JWKS          string   `json:"jwks_uri"`
	AuthMethods   []string `json:"token_endpoint_auth_methods_supported"`
	NamesItself   bool     `json:"authorization_response_iss_parameter_supported"`
}

// newDiscovery keeps the discovery document of issuer.
func newDiscovery(client *http.Client, now func() time.Time, issuer string) *published[metadata] {
	address := strings.TrimSuffix(issuer, "/") + "/.well-known/openid-configuration"
	read := func(ctx context.Context) (metadata, error) {
		body, err := document(ctx, client, "discovery", address)
		if err != nil {
			return metadata{}, err
		}
		var m metadata
		if err := json.Unmarshal(body, &m); err != nil {
			return metadata{}, because(errs.Unavailable, "discovery_malformed", "the discovery document is %w JSON", shape(err))
		}
		return m, m.check(issuer)
	}
	return &published[metadata]{read: read, now: now}
}

// check refuses a document that speaks for another issuer: whoever it belongs to could
// otherwise have our codes and secrets sent to itself.
func (m metadata) check(issuer string) error {
	if m.Issuer != issuer {
		return because(errs.ProviderMisconfigured, "discovery_issuer", "the document is of the issuer %.200q", m.Issuer)
	}
	for _, e := range []struct {
		name, address string
		optional      bool
	}{
		{"authorization_endpoint", m.Authorization, false},
		{"token_endpoint", m.Token, false},
		{"jwks_uri", m.JWKS, false},
		{"userinfo_endpoint", m.Userinfo, true},
	} {
		if e.address == "" && e.optional {
			continue
		}
		if err := driver.CheckURL(e.address); err != nil {
			return because(errs.ProviderMisconfigured, "discovery_endpoint", "%s %w", e.name, err)
		}
	}
	return nil
}

// document reads what a vendor publishes. The reasons of failures begin with name.
func document(ctx context.Context, client *http.Client, name, address string) ([]byte, error) {
	a, err := get(ctx, client, address, nil)
	switch {
	case errors.Is(err, driver.ErrTooLarge):
		return nil, because(errs.Unavailable, name+"_too_large", "%w", err)
	case err == nil && a.Status != http.StatusOK:
		err = fmt.Errorf("answered %d", a.Status)
	}
	if err != nil {
		return nil, because(errs.Unavailable, name+"_unavailable", "%w", err)
	}
	if len(a.Body) > maxDocument {
		return nil, because(errs.Unavailable, name+"_too_large", "%d bytes", len(a.Body))
	}
	return a.Body, nil
}
