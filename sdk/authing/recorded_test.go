package authing_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tigertally/tigertally/sdk/authing"
)

// recorded is one request of a real client library. What was alive when it was recorded
// is a placeholder, such as {token12} or {seal:a password}.
type recorded struct {
	Call    string            `json:"call"`
	Method  string            `json:"method"`
	Path    string            `json:"path"`
	Query   map[string]string `json:"query"`
	Headers map[string]string `json:"headers"`
	Bearer  string            `json:"bearer"`
	Body    map[string]any    `json:"body"`
}

// wantsRecorded is which calls of which library the Go client has to send alike. The
// JavaScript one sends GraphQL for the others.
var (
	swiftCalls = []string{
		"registerByEmail", "registerByEmailCode", "registerByUserName", "registerByPhoneCode",
		"loginByEmail", "loginByAccount", "loginByPhoneCode", "loginByOneAuth",
		"getCurrentUser", "logout", "sendSms", "sendEmail",
		"resetPasswordByPhone", "resetPasswordByFirstTimeLoginToken", "resetPasswordByEmail", "updatePassword",
		"bindPhone", "unbindPhone", "bindEmail", "unbindEmail", "updateIdToken", "getSecurityCaptcha",
	}
	androidCalls = []string{
		"registerByEmail", "registerByEmailCode", "registerByUserName", "registerByPhoneCode",
		"loginByEmailCode", "loginByAccount", "loginByPhoneCode", "loginByOneAuth",
		"getCurrentUser", "sendSms", "sendEmail",
		"resetPasswordByPhoneCode", "resetPasswordByFirstTimeLoginToken", "resetPasswordByEmailCode", "updatePassword",
		"bindPhone", "unbindPhone", "bindEmail", "unbindEmail", "updateIdToken",
	}
	javaScriptCalls = []string{"sendSmsCode", "registerByEmailCode", "registerByEmail"}
)

// The Go client sends what the vendor's libraries send for the same calls: the same
// method, path, query, headers and members of the same values, ids and versions aside.
func TestRequestsAreThoseOfTheVendorsClients(t *testing.T) {
	key, public := transportKey(t)
	for file, calls := range map[string][]string{
		"recorded-ios.json": swiftCalls, "recorded-android.json": androidCalls, "recorded-js.json": javaScriptCalls,
	} {
		t.Run(file, func(t *testing.T) {
			raw, err := os.ReadFile(filepath.Join("../../internal/protocol/authing/testdata", file))
			if err != nil {
				t.Fatal(err)
			}
			var all []struct {
				recorded
				Body any `json:"body"`
			}
			if err := json.Unmarshal(raw, &all); err != nil {
				t.Fatal(err)
			}
			seen := make(map[string]bool)
			for _, r := range all {
				name, _, _ := strings.Cut(r.Call, "[")
				if !slices.Contains(calls, name) || strings.HasSuffix(r.Path, "/udvs/get") || r.Path == "/graphql/v2" {
					continue
				}
				seen[name] = true
				r.recorded.Body, _ = r.Body.(map[string]any)
				t.Run(r.Call, func(t *testing.T) { compare(t, r.recorded, key, public) })
			}
			for _, name := range calls {
				if !seen[name] {
					t.Errorf("%s was not recorded", name)
				}
			}
		})
	}
}

// compare makes the call of r and holds what goes out against it.
func compare(t *testing.T, r recorded, key *rsa.PrivateKey, public string) {
	t.Helper()
	out := &tap{}
	config := authing.Config{
		AppID: "{app}", UserPoolID: r.Headers["x-authing-userpool-id"], Host: "http://id.test",
		PublicKey: public, Lang: r.Headers["x-authing-lang"], HTTPClient: &http.Client{Transport: out},
	}
	if r.Path == "/api/v2/.well-known" { // what the JavaScript client asks for before its first password
		config.PublicKey = ""
	}
	c := newClient(t, config)
	if r.Bearer != "" {
		if err := c.SetToken(t.Context(), r.Bearer); err != nil {
			t.Fatal(err)
		}
	}
	call(t.Context(), c, r)
	if len(out.sent) == 0 {
		t.Fatal("nothing was sent")
	}
	got := out.sent[0].as(t, key)
	want := r
	want.Call, want.Query = "", maps.Clone(r.Query)
	want.Headers = make(map[string]string)
	for _, name := range []string{"content-type", "x-authing-app-id", "x-authing-userpool-id", "x-authing-lang"} {
		if v, ok := r.Headers[name]; ok {
			want.Headers[name], _, _ = strings.Cut(v, ";")
		}
	}
	if object, ok := want.Body["context"].(map[string]any); ok { // the page's context is text
		want.Body["context"] = compact(t, object)
	}
	if want.Body != nil {
		want.Body = unsealed(want.Body)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-recorded +sent:\n%s", diff)
	}
}

// call makes the Go call of a recorded one, with the arguments its request shows. The
// answer is of no interest.
func call(ctx context.Context, c *authing.AuthClient, r recorded) {
	text := func(name string) string { v, _ := r.Body[name].(string); return plain(v) }
	auto, _ := r.Body["autoRegister"].(bool)
	register := &authing.RegisterOptions{Context: text("context"), CountryCode: text("phoneCountryCode")}
	if v, ok := r.Body["context"].(map[string]any); ok {
		raw, _ := json.Marshal(v)
		register.Context = string(raw)
	}
	if v, ok := r.Body["profile"].(map[string]any); ok {
		register.Profile = &authing.Profile{Nickname: v["nickname"].(string)}
	}
	register.CustomData, _ = r.Body["customData"].(map[string]any)
	login := &authing.LoginOptions{AutoRegister: auto, Context: text("context"), CountryCode: text("phoneCountryCode"), CaptchaCode: text("captchaCode")}
	phone := &authing.PhoneOptions{CountryCode: text("phoneCountryCode")}
	name, _, _ := strings.Cut(r.Call, "[")
	switch name {
	case "registerByEmail":
		_, _ = c.RegisterByEmail(ctx, text("email"), text("password"), register)
	case "registerByEmailCode":
		_, _ = c.RegisterByEmailCode(ctx, text("email"), text("code"), register)
	case "registerByUserName":
		_, _ = c.RegisterByUserName(ctx, text("username"), text("password"), register)
	case "registerByPhoneCode":
		_, _ = c.RegisterByPhoneCode(ctx, text("phone"), text("code"), text("password"), register)
	case "loginByEmail", "loginByEmailCode":
		_, _ = c.LoginByEmail(ctx, text("email"), text("code"), login)
	case "loginByAccount":
		_, _ = c.LoginByAccount(ctx, text("account"), text("password"), login)
	case "loginByPhoneCode":
		_, _ = c.LoginByPhoneCode(ctx, text("phone"), text("code"), login)
	case "loginByOneAuth":
		network, _ := r.Body["netWork"].(float64)
		_, _ = c.LoginByOneAuth(ctx, text("token"), text("accessToken"), &authing.OneAuthOptions{Network: int(network)})
	case "getCurrentUser":
		_, _ = c.GetCurrentUser(ctx)
	case "logout":
		_ = c.Logout(ctx, nil)
	case "sendSms", "sendSmsCode":
		_ = c.SendSms(ctx, text("phone"), &authing.SmsOptions{CountryCode: text("phoneCountryCode"), Scene: authing.SmsScene(text("scene"))})
	case "sendEmail":
		_ = c.SendEmail(ctx, text("email"), authing.EmailScene(text("scene")))
	case "resetPasswordByPhone", "resetPasswordByPhoneCode":
		_ = c.ResetPasswordByPhone(ctx, text("phone"), text("code"), text("newPassword"), phone)
	case "resetPasswordByFirstTimeLoginToken":
		_ = c.ResetPasswordByFirstTimeLoginToken(ctx, text("token"), text("password"))
	case "resetPasswordByEmail", "resetPasswordByEmailCode":
		_ = c.ResetPasswordByEmail(ctx, text("email"), text("code"), text("newPassword"))
	case "updatePassword":
		_, _ = c.UpdatePassword(ctx, text("newPassword"), text("oldPassword"))
	case "bindPhone":
		_, _ = c.BindPhone(ctx, text("phone"), text("phoneCode"), phone)
	case "unbindPhone":
		_, _ = c.UnbindPhone(ctx)
	case "bindEmail":
		_, _ = c.BindEmail(ctx, text("email"), text("emailCode"))
	case "unbindEmail":
		_, _ = c.UnbindEmail(ctx)
	case "updateIdToken":
		_, _ = c.RefreshToken(ctx)
	case "getSecurityCaptcha":
		_, _ = c.Captcha(ctx)
	}
}

// tap answers every request with an empty success and keeps it.
type tap struct{ sent []sent }

type sent struct {
	request *http.Request
	body    []byte
}

// RoundTrip keeps the request.
func (p *tap) RoundTrip(r *http.Request) (*http.Response, error) {
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	p.sent = append(p.sent, sent{r, raw})
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{}, Request: r,
		Body: io.NopCloser(strings.NewReader(`{"code":200,"message":"ok","data":null}`)),
	}, nil
}

// as is the request in the form of the recordings, passwords opened.
func (s sent) as(t *testing.T, key *rsa.PrivateKey) recorded {
	t.Helper()
	got := recorded{Method: s.request.Method, Path: s.request.URL.Path, Headers: make(map[string]string)}
	for _, name := range []string{"content-type", "x-authing-app-id", "x-authing-userpool-id", "x-authing-lang"} {
		if v := s.request.Header.Get(name); v != "" {
			got.Headers[name] = v
		}
	}
	for name, v := range flat(s.request.URL.Query()) {
		if got.Query == nil {
			got.Query = make(map[string]string)
		}
		got.Query[name] = v
	}
	got.Bearer, _ = strings.CutPrefix(s.request.Header.Get("Authorization"), "Bearer ")
	if len(s.body) == 0 {
		return got
	}
	if err := json.Unmarshal(s.body, &got.Body); err != nil {
		t.Fatalf("%s: %v", s.body, err)
	}
	for _, name := range []string{"password", "newPassword", "oldPassword"} {
		if text, ok := got.Body[name].(string); ok {
			got.Body[name] = opened(t, key, text)
		}
	}
	return got
}

func flat(q url.Values) map[string]string {
	out := make(map[string]string)
	for name, values := range q {
		out[name] = strings.Join(values, ",")
	}
	return out
}

func opened(t *testing.T, key *rsa.PrivateKey, text string) string {
	t.Helper()
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatalf("%q is no Base64: %v", text, err)
	}
	b, err := rsa.DecryptPKCS1v15(nil, key, raw) //nolint:staticcheck // the clients' padding
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// plain is the password in {seal:password}, everything else as it is.
func plain(text string) string {
	if inner, ok := strings.CutPrefix(text, "{seal:"); ok {
		return strings.TrimSuffix(inner, "}")
	}
	return text
}

func unsealed(body map[string]any) map[string]any {
	out := maps.Clone(body)
	for name, v := range out {
		if text, ok := v.(string); ok {
			out[name] = plain(text)
		}
	}
	return out
}

func compact(t *testing.T, v any) string {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(bytes.TrimSpace(raw))
}

// transportKey is a key pair, the public half as servers hand it out.
func transportKey(t *testing.T) (*rsa.PrivateKey, string) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	return key, base64.StdEncoding.EncodeToString(der)
}
