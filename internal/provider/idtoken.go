package provider

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/tigertally/tigertally/internal/secret"
)

const (
	clockSkew  = time.Minute
	maxIDToken = 16 << 10
	maxSubject = 255 // as OpenID Connect Core section 2 has it
)

// idTokenAlgorithms is everything an ID token may be signed with: no symmetric algorithm,
// whose key would be public or the client secret, and never none.
func idTokenAlgorithms() []jose.SignatureAlgorithm {
	return []jose.SignatureAlgorithm{jose.RS256, jose.ES256}
}

// expectation is what the caller knows about the token before reading it.
type expectation struct {
	issuers     []string // any of them
	clients     []string // ours; any of them
	nonce       string   // what we sent; "" when we sent none
	accessToken string   // came beside the ID token
	subject     string   // who it must be; "" for anybody
	now         time.Time
}

// claims are those of an ID token or of the userinfo endpoint.
type claims map[string]json.RawMessage

// readIDToken verifies a compact ID token and returns its claims. Every way to fail has
// a reason of its own.
func readIDToken(ctx context.Context, keys *keySet, raw string, want expectation) (claims, error) {
	if len(raw) > maxIDToken {
		return nil, refuse("id_token_malformed", "an ID token of %d bytes", len(raw))
	}
	alg, err := algorithm(raw)
	if err != nil {
		return nil, err
	}
	jws, err := jose.ParseSignedCompact(raw, []jose.SignatureAlgorithm{alg})
	if err != nil {
		return nil, refuse("id_token_malformed", "reading the ID token: %w", err)
	}
	// Only the key the issuer publishes counts: never one that came with the token.
	key, err := keys.find(ctx, jws.Signatures[0].Header.KeyID, alg)
	if err != nil {
		return nil, err
	}
	payload, err := jws.Verify(key)
	if err != nil {
		return nil, refuse("bad_signature", "verifying the ID token: %w", err)
	}
	var c claims
	if err := json.Unmarshal(payload, &c); err != nil {
		return nil, refuse("id_token_malformed", "reading the claims: %w", err)
	}
	return c, c.check(want)
}

// algorithm reads alg, which must be known before anything is believed.
func algorithm(raw string) (jose.SignatureAlgorithm, error) {
	head, _, _ := strings.Cut(raw, ".")
	decoded, err := base64.RawURLEncoding.DecodeString(head)
	if err != nil {
		return "", refuse("id_token_malformed", "the header is not base64url")
	}
	var header struct {
		Algorithm jose.SignatureAlgorithm `json:"alg"`
	}
	if err := json.Unmarshal(decoded, &header); err != nil {
		return "", refuse("id_token_malformed", "the header is not JSON")
	}
	switch {
	case strings.EqualFold(string(header.Algorithm), "none"):
		return "", refuse("alg_none", "the ID token is not signed")
	case !slices.Contains(idTokenAlgorithms(), header.Algorithm):
		return "", refuse("alg_refused", "the ID token is signed with %.16q", string(header.Algorithm))
	}
	return header.Algorithm, nil
}

// check holds the claims to OpenID Connect Core section 3.1.3.7.
func (c claims) check(want expectation) error {
	if issuer := c.text("iss"); !slices.Contains(want.issuers, issuer) {
		return refuse("bad_iss", "the issuer is %.200q", issuer)
	}
	if err := c.checkAudience(want.clients); err != nil {
		return err
	}
	if err := c.checkTimes(want.now); err != nil {
		return err
	}
	if err := c.checkNonce(want.nonce); err != nil {
		return err
	}
	if hash := c.text("at_hash"); c["at_hash"] != nil && want.accessToken != "" && hash != tokenHash(want.accessToken) {
		return refuse("bad_at_hash", "the access token belongs to another ID token")
	}
	sub := c.text("sub")
	if sub == "" || len(sub) > maxSubject {
		return refuse("no_sub", "the ID token names nobody")
	}
	if want.subject != "" && sub != want.subject {
		return refuse("sub_changed", "the ID token is about somebody else")
	}
	return nil
}

// checkAudience wants us among the audience, and where there are others that we are the
// one who asked.
func (c claims) checkAudience(ours []string) error {
	foreign := func(id string) bool { return !slices.Contains(ours, id) }
	audience := c.texts("aud")
	if !slices.ContainsFunc(audience, func(id string) bool { return !foreign(id) }) {
		return refuse("bad_aud", "the ID token is for another client")
	}
	azp := c.text("azp")
	if len(audience) > 1 && azp == "" {
		return refuse("no_azp", "several audiences and no authorized party")
	}
	if c["azp"] != nil && foreign(azp) {
		return refuse("bad_azp", "the ID token was made for another client")
	}
	return nil
}

func (c claims) checkTimes(now time.Time) error {
	expires, ok := c.time("exp")
	if !ok || !now.Before(expires.Add(clockSkew)) {
		return refuse("expired", "the ID token has expired")
	}
	issued, ok := c.time("iat")
	if !ok || issued.After(now.Add(clockSkew)) {
		return refuse("iat_future", "the ID token was issued in the future")
	}
	if before, ok := c.time("nbf"); ok && before.After(now.Add(clockSkew)) {
		return refuse("nbf_future", "the ID token is not good yet")
	}
	return nil
}

// checkNonce wants exactly the nonce that was sent, and none where none was: a nonce we
// did not make belongs to somebody else's sign-in.
func (c claims) checkNonce(sent string) error {
	got := c.text("nonce")
	if got == "" && sent != "" {
		return refuse("no_nonce", "the ID token has no nonce")
	}
	if !secret.Equal([]byte(got), []byte(sent)) {
		return refuse("bad_nonce", "the nonce is not the one that was sent")
	}
	return nil
}

// tokenHash is at_hash for the 256-bit algorithms: the left half of SHA-256.
func tokenHash(token string) string {
	sum := sha256.Sum256([]byte(token))
	return base64.RawURLEncoding.EncodeToString(sum[:sha256.Size/2])
}

// text returns a claim that is a string, "" for any other.
func (c claims) text(name string) string {
	var s string
	if json.Unmarshal(c[name], &s) != nil {
		return ""
	}
	return s
}

// texts returns a claim that is a string or a list of them.
func (c claims) texts(name string) []string {
	if one := c.text(name); one != "" {
		return []string{one}
	}
	var list []string
	if json.Unmarshal(c[name], &list) != nil {
		return nil
	}
	return list
}

// isTrue says that a claim is the boolean true. "true" is what a provider writes that
// does not follow the standard, so it does not vouch for an address either.
func (c claims) isTrue(name string) bool { return string(c[name]) == "true" }

func (c claims) time(name string) (time.Time, bool) {
	var seconds float64
	if c[name] == nil || json.Unmarshal(c[name], &seconds) != nil || math.Abs(seconds) > 1e11 {
		return time.Time{}, false
	}
	return time.Unix(int64(seconds), 0), true
}
