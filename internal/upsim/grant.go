package upsim

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// grant is what a person agreed to let an app know.
type grant struct {
	client, subject, scope string
	code                   string // by which it began
	flags                  flags  // of that code
	expires                time.Time
}

// grants are the tokens of people, by text.
type grants struct {
	vendor string
	live   map[string]grant
	serial int
}

func newGrants(vendor string) grants { return grants{vendor: vendor, live: make(map[string]grant)} }

const (
	accessToken  = "SIMUT"
	refreshToken = "SIMRT"
)

// issue makes a token of a kind.
func (g *grants) issue(kind string, t grant) string {
	g.serial++
	text := strings.Join([]string{kind, g.vendor, t.subject, strconv.Itoa(g.serial)}, "-")
	g.live[text] = t
	return text
}

// check returns what a token of a kind is good for.
func (g *grants) check(kind, text string, at time.Time) (grant, error) {
	t, ok := g.live[text]
	switch {
	case text == "":
		return t, errTokenMissing
	case !ok || !strings.HasPrefix(text, kind):
		return t, errTokenUnknown
	case !at.Before(t.expires):
		return t, errTokenExpired
	}
	return t, nil
}

// end forgets every token that began with a code.
func (g *grants) end(code string) {
	for text, t := range g.live {
		if code != "" && t.code == code {
			delete(g.live, text)
		}
	}
}

// bearer is the token of the Authorization header, "" without one.
func bearer(x *exchange) string {
	scheme, token, _ := strings.Cut(x.req.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") && !strings.EqualFold(scheme, "token") {
		return ""
	}
	return token
}

func sha256Of(text string) []byte {
	sum := sha256.Sum256([]byte(text))
	return sum[:]
}

// numberOf makes a number of the given count of digits, which never begins with 0.
func numberOf(seed string, digits int) string {
	low := uint64(1)
	for range digits - 1 {
		low *= 10
	}
	return strconv.FormatUint(low+binary.BigEndian.Uint64(sha256Of(seed))%(9*low), 10)
}

// hexOf is the first n digits of a hash.
func hexOf(seed string, n int) string { return digest(seed)[:n] }

// OutsideID is the id under which a vendor's app should know a person: numeric id of
// GitHub, openid of QQ, uid of Weibo, unionId of DingTalk and Feishu, open_id or user_id
// of Alipay, and sub of Apple and of OIDC providers, where app is the provider's name.
func (s *Server) OutsideID(vendor, app, subject string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch vendor {
	case "github":
		return githubID(subject), nil
	case "qq":
		return qqOpenID(app, subject), nil
	case "weibo":
		return weiboID(subject), nil
	case "dingtalk":
		return dingTalkUnionID(s.accounts.DingTalk[app].Group, subject), nil
	case "feishu":
		return feishuUnionID(s.accounts.Feishu[app].Group, subject), nil
	case "alipay":
		return alipayIdentity(s.accounts.Alipay[app].UserID, app, subject), nil
	case "apple":
		return appleSub(s.accounts.Apple[app].Team, subject), nil
	case "oidc":
		return oidcSub(app, subject), nil
	}
	return "", fmt.Errorf("upsim: %q knows nobody", vendor)
}

// NewToken asks for an access token as an app gets it whose vendor has an SDK.
type NewToken struct {
	Upstream string `json:"upstream"` // qq, weibo, github, ...
	Client   string `json:"client"`   // whose it is, which need not be registered
	Subject  string `json:"subject"`
	Scope    string `json:"scope,omitempty"`
}

const mintedTokenLife = 24 * time.Hour

// MintToken makes an access token without a code. One of another app's is what a
// server must refuse that takes tokens from its clients.
func (s *Server) MintToken(n NewToken) (string, error) {
	if !isSubject(n.Subject) {
		return "", fmt.Errorf("upsim: %q is no subject", n.Subject)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.social[n.Upstream]
	if g == nil {
		return "", fmt.Errorf("upsim: %q has no tokens of people", n.Upstream)
	}
	return g.issue(accessToken, grant{
		client: n.Client, subject: n.Subject, scope: n.Scope, expires: s.clock.now().Add(mintedTokenLife),
	}), nil
}
