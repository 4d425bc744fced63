package upsim_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/tigertally/tigertally/internal/mail"
	"github.com/tigertally/tigertally/internal/upsim"
)

// S3: a library that we did not write accepts the provider, and refuses what its faults
// break, as far as checking it is the library's part.
func TestGoOIDCAgreesWithTheProvider(t *testing.T) {
	s := start(t, vectorTime)
	ctx := oidc.ClientContext(t.Context(), client)
	issuer := s.Bases().OIDC + "/corp"
	provider, err := oidc.NewProvider(ctx, issuer)
	if err != nil {
		t.Fatal(err)
	}
	verifier := provider.VerifierContext(ctx, &oidc.Config{ClientID: oidcClient, Now: s.Now, SupportedSigningAlgs: []string{"RS256", "ES256"}})
	for fault, refused := range map[string]bool{
		"": false, "ES256": false, "EXPIRED": true, "BAD_ISS": true, "BAD_AUD": true, "ALG_NONE": true, "ALG_HS256_WITH_JWK": true,
		"UNKNOWN_KID": true, "KID_REUSED_OTHER_KEY": true, "BAD_SIG": true, "BAD_AT_HASH": true,
	} {
		l := approve(t, s, oidcAuthorize(s, "corp"), "alice", fault)
		a := codeExchange(s, "corp", oidcSecret, l.Get("code")).do(t)
		token, err := verifier.Verify(ctx, a.text("id_token"))
		if err == nil {
			err = token.VerifyAccessToken(a.text("access_token"))
		}
		if (err != nil) != refused {
			t.Errorf("%q: %v", fault, err)
		}
	}
	s.RotateKeys("corp")
	a := codeExchange(s, "corp", oidcSecret, approve(t, s, oidcAuthorize(s, "corp"), "alice").Get("code")).do(t)
	if _, err := verifier.Verify(ctx, a.text("id_token")); err != nil {
		t.Errorf("after a rotation: %v", err)
	}
	arm(t, s, upsim.Fault{Match: upsim.Match{Upstream: "oidc"}, Fault: "DISCOVERY_ISS"})
	if _, err := oidc.NewProvider(ctx, issuer); err == nil {
		t.Error("an issuer of another name is taken")
	}
	if got := get(issuer, "/userinfo").do(t); got.status != http.StatusUnauthorized {
		t.Error(got.status)
	}
}

// The server's own mail is well-formed, and says what it was told.
func TestTheServersMailIsAccepted(t *testing.T) {
	s := start(t, vectorTime)
	s.Edit(func(a *upsim.Accounts) { a.MailServer = upsim.MailServer{Plain: true, Anonymous: true} })
	host, port, _ := strings.Cut(s.Bases().SMTP, ":")
	d, err := mail.New("smtp", map[string]string{"host": host, "port": port, "tls": "none", "from": "您的 <no-reply@example.test>"}, s.Now)
	if err != nil {
		t.Fatal(err)
	}
	m := mail.Message{ID: "m1", To: "alice@example.test", Subject: strings.Repeat("您的登录验证码", 8), Text: "您的验证码是 246810。", HTML: "<p>246810</p>"}
	if _, err := d.Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	all := s.Mail("alice@example.test")
	if len(all) != 1 || len(all[0].Problems) > 0 || all[0].Subject != m.Subject || all[0].Code != "246810" || strings.TrimSpace(all[0].Text) != m.Text {
		t.Errorf("%+v", all)
	}
	for to, good := range map[string]bool{"bounce@example.test": false, "later@example.test": false, "bob@example.test": true} {
		m.To = to
		if _, err := d.Send(t.Context(), m); (err == nil) != good {
			t.Errorf("%s: %v", to, err)
		}
	}
}
