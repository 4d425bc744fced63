package sdk_test

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/tigertally/tigertally/internal/driver"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/provider"
)

const (
	upstreamCallback = "https://app.example.com/callback"
	upstreamNonce    = "nonce-1"
	upstreamVerifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
)

// Somebody signs in through oidc-provider, with each way a client can prove itself.
func TestSignInThroughOIDCProvider(t *testing.T) {
	needUpstreams(t)
	public, private := clientKey(t)
	at, _ := startUpstream(t, "oidc-provider.mjs", "CLIENT_KEY="+public, "REDIRECT_URI="+upstreamCallback)
	for _, tt := range []struct {
		client string
		set    map[string]string
	}{
		{"basic", map[string]string{"client_secret": "a secret/with:signs%&"}},
		{"post", map[string]string{"client_secret": "a secret/with:signs%&", "auth": "client_secret_post"}}, // and ES256
		{"signed", map[string]string{"private_key": private, "key_id": "our-key"}},
	} {
		t.Run(tt.client, func(t *testing.T) {
			tt.set["issuer"], tt.set["client_id"] = at, tt.client
			d := openUpstream(t, tt.set)
			answer := visit(t, d)
			if answer.Params["iss"] != at {
				t.Errorf("the answer is of %q", answer.Params["iss"])
			}
			got, err := d.Exchange(t.Context(), answer)
			if err != nil {
				t.Fatal(err)
			}
			if got.Subject != "alice" || got.Name != "Alice" || got.Email != "alice@example.com" || !got.EmailVerified {
				t.Errorf("it is %+v", got)
			}
			_, err = d.Exchange(t.Context(), answer)
			wantReason(t, err, "vendor_invalid_grant") // the code was used
		})
	}
}

// What oidc-provider itself does not let pass.
func TestOIDCProviderHoldsUsToTheStandard(t *testing.T) {
	needUpstreams(t)
	public, _ := clientKey(t)
	at, _ := startUpstream(t, "oidc-provider.mjs", "CLIENT_KEY="+public, "REDIRECT_URI="+upstreamCallback)
	for _, tt := range []struct {
		name, secret string
		spoil        func(c *provider.Credential)
		reason       string
	}{
		{"a wrong secret", "another secret", func(*provider.Credential) {}, "vendor_invalid_client"},
		{"a wrong verifier", "a secret/with:signs%&", func(c *provider.Credential) { c.Verifier = strings.Repeat("x", 43) }, "vendor_invalid_grant"},
		{"another address", "a secret/with:signs%&", func(c *provider.Credential) { c.RedirectURI += "/other" }, "vendor_invalid_grant"},
		{"another nonce", "a secret/with:signs%&", func(c *provider.Credential) { c.Nonce = "nonce-2" }, "bad_nonce"},
		{"an answer of another provider", "a secret/with:signs%&", func(c *provider.Credential) { c.Params["iss"] = "https://elsewhere.example.com" }, "mixup_iss"},
		{"an answer of nobody", "a secret/with:signs%&", func(c *provider.Credential) { delete(c.Params, "iss") }, "mixup_iss"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := openUpstream(t, map[string]string{"issuer": at, "client_id": "basic", "client_secret": tt.secret})
			answer := visit(t, d)
			tt.spoil(&answer)
			_, err := d.Exchange(t.Context(), answer)
			wantReason(t, err, tt.reason)
		})
	}
}

// Each answer of oauth2-mock-server that was tampered with is refused for its own reason
// (SO-03), and the untouched one is taken before and after.
func TestTamperedAnswersOfAnUpstream(t *testing.T) {
	needUpstreams(t)
	at, get := startUpstream(t, "oauth2-mock-server.mjs")
	d := openUpstream(t, map[string]string{"issuer": at, "client_id": "client-1", "client_secret": "any"})
	for _, tt := range []struct{ wrong, reason string }{
		{"nothing", ""},
		{"IAT_FUTURE", "iat_future"},
		{"EXPIRED", "expired"},
		{"NBF_FUTURE", "nbf_future"},
		{"BAD_ISS", "bad_iss"},
		{"BAD_AUD", "bad_aud"},
		{"MULTI_AUD_NO_AZP", "no_azp"},
		{"BAD_NONCE", "bad_nonce"},
		{"NO_NONCE", "no_nonce"},
		{"BAD_AT_HASH", "bad_at_hash"},
		{"UNKNOWN_KID", "unknown_kid"},
		{"ALG_NONE", "alg_none"},
		{"USERINFO_SUB_MISMATCH", "userinfo_sub"},
		{"nothing", ""},
	} {
		t.Run(tt.wrong, func(t *testing.T) {
			get(tt.wrong)
			got, err := d.Exchange(t.Context(), visit(t, d))
			if tt.reason != "" {
				wantReason(t, err, tt.reason)
			} else if err != nil || got.Subject != "johndoe" {
				t.Errorf("got %q, %v", got.Subject, err)
			}
		})
	}
}

func wantReason(t *testing.T, err error, reason string) {
	t.Helper()
	if err == nil {
		t.Fatal("was taken")
	}
	if got := errs.From(err).Params["reason"]; got != reason {
		t.Errorf("refused for %q: %v", got, err)
	}
}

func openUpstream(t *testing.T, set map[string]string) provider.Driver {
	t.Helper()
	d, err := provider.Open("oidc", set, provider.Env{
		Now: time.Now, HTTP: driver.NewClient(driver.ClientOptions{Now: time.Now, Allow: driver.LoopbackRanges()}),
	})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// form finds where a page of oidc-provider posts to, and which step that is.
var form = regexp.MustCompile(`(?s)action="([^"]+)" method="post">.*?name="prompt" value="(\w+)"`)

// visit walks the provider's pages as alice and returns what they send the app.
func visit(t *testing.T, d provider.Driver) provider.Credential {
	t.Helper()
	sum := sha256.Sum256([]byte(upstreamVerifier))
	page, err := d.Authorize(t.Context(), provider.AuthorizeRequest{
		RedirectURI: upstreamCallback, State: "state-1", Nonce: upstreamNonce,
		Challenge: base64.RawURLEncoding.EncodeToString(sum[:]),
	})
	if err != nil {
		t.Fatal(err)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Jar: jar, Timeout: 10 * time.Second, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if r.URL.Host == "app.example.com" {
			return http.ErrUseLastResponse
		}
		return nil
	}}
	for resp := follow(t, browser, page, nil); ; {
		if back, err := resp.Location(); err == nil {
			return answered(t, back)
		}
		text, err := io.ReadAll(resp.Body)
		found := form.FindSubmatch(text)
		if err != nil || found == nil {
			t.Fatalf("a page of status %d without a form, %v:\n%s", resp.StatusCode, err, text)
		}
		resp = follow(t, browser, string(found[1]), url.Values{
			"prompt": {string(found[2])}, "login": {"alice"}, "password": {"any"},
		})
	}
}

// follow opens an address, or posts a form to it.
func follow(t *testing.T, browser *http.Client, address string, posted url.Values) *http.Response {
	t.Helper()
	method := http.MethodGet
	if posted != nil {
		method = http.MethodPost
	}
	req, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(posted.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := browser.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = resp.Body.Close() })
	return resp
}

func answered(t *testing.T, back *url.URL) provider.Credential {
	t.Helper()
	q := back.Query()
	if q.Get("state") != "state-1" || q.Get("code") == "" {
		t.Fatalf("sent back %s", back)
	}
	c := provider.Credential{
		Code: q.Get("code"), RedirectURI: upstreamCallback, Verifier: upstreamVerifier, Nonce: upstreamNonce, Params: map[string]string{},
	}
	for name := range q {
		c.Params[name] = q.Get(name)
	}
	return c
}

// startUpstream runs a provider of upstreams/ in Node until the test ends. What it should
// get wrong from then on is told by name.
func startUpstream(t *testing.T, script string, env ...string) (address string, get func(wrong string)) {
	t.Helper()
	node := exec.CommandContext(t.Context(), "node", filepath.Join("upstreams", script))
	node.Env = append(os.Environ(), env...)
	node.Stderr = t.Output()
	in, err := node.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := node.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := node.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		_ = node.Wait()
	})
	lines := bufio.NewScanner(out)
	line := func() string {
		if !lines.Scan() {
			t.Fatalf("%s ended: %v", script, lines.Err())
		}
		return lines.Text()
	}
	return line(), func(wrong string) {
		if _, err := fmt.Fprintln(in, wrong); err != nil {
			t.Fatal(err)
		}
		if got := line(); got != wrong {
			t.Fatalf("told to get %s wrong, it said %q", wrong, got)
		}
	}
}

// clientKey makes the key of a client: public as a JWK, private in PEM.
func clientKey(t *testing.T) (public, private string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	jwk, err := json.Marshal(jose.JSONWebKey{Key: &key.PublicKey, KeyID: "our-key", Algorithm: "ES256", Use: "sig"})
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(jwk), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

func needUpstreams(t *testing.T) {
	t.Helper()
	need(t, "node", "Node.js", findProgram("node"))
	found := true
	for _, name := range []string{"oidc-provider", "oauth2-mock-server"} {
		_, err := os.Stat(filepath.Join("node_modules", name))
		found = found && err == nil
	}
	need(t, "node_modules", "the npm packages (make tools)", found)
}
