package onetap_test

import (
	"context"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"sort"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/onetap"
)

const (
	secretID   = "sim_secret_id_0000000000000000001"
	secretKey  = "sim_secret_key_000000000000000001"
	businessID = "sim_business_id_00000000000000001"
	token      = "sim-ydtoken-13800000000"
	access     = "sim-cmtoken-13800000000"
)

func at() time.Time { return time.UnixMilli(1700000000000) }

// vendorSignature is the algorithm as the vendor's own programs write it: join sorted
// "name value" pairs, append the key, hash.
func vendorSignature(params map[string]string, key string) string {
	var h hash.Hash
	switch strings.ToUpper(params["signatureMethod"]) {
	case "", "MD5":
		h = md5.New()
	case "SHA1":
		h = sha1.New()
	case "SHA256":
		h = sha256.New()
	default:
		return "unknown method"
	}
	var pairs []string
	for name, value := range params {
		if name != "signature" {
			pairs = append(pairs, name+"\x00"+value)
		}
	}
	sort.Strings(pairs)
	io.WriteString(h, strings.ReplaceAll(strings.Join(pairs, ""), "\x00", "")+key)
	return hex.EncodeToString(h.Sum(nil))
}

func TestTheFixtureAgreesWithTheVectors(t *testing.T) {
	raw, err := os.ReadFile("testdata/yidun.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors []struct {
		ID     string
		Inputs struct {
			SecretKey string
			Params    map[string]string
		}
		Expected string
	}
	if err := json.Unmarshal(raw, &vectors); err != nil || len(vectors) != 4 {
		t.Fatal(len(vectors), err)
	}
	for _, v := range vectors {
		if got := vendorSignature(v.Inputs.Params, v.Inputs.SecretKey); got != v.Expected {
			t.Errorf("%s: %s, want %s", v.ID, got, v.Expected)
		}
	}
}

// upstream is Yidun as far as a driver can tell: it checks a request the way the vendor
// does and then answers what the test says.
type upstream struct {
	*httptest.Server
	hits   atomic.Int32
	last   atomic.Pointer[url.Values]
	nonces map[string]bool
}

func newUpstream(t *testing.T, method, answer string) *upstream {
	t.Helper()
	u := &upstream{nonces: map[string]bool{}}
	u.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		u.hits.Add(1)
		if err := r.ParseForm(); err != nil {
			t.Error(err)
		}
		u.last.Store(&r.PostForm)
		io.WriteString(w, u.check(r, method, answer))
	}))
	t.Cleanup(u.Close)
	return u
}

func (u *upstream) check(r *http.Request, method, answer string) string {
	form := map[string]string{}
	for name, values := range r.PostForm {
		form[name] = values[0]
	}
	nonce := form["nonce"]
	switch {
	case r.Method != http.MethodPost || r.URL.Path != "/v1/oneclick/check" || form["version"] != "v1" || r.URL.RawQuery != "",
		r.Header.Get("Content-Type") != "application/x-www-form-urlencoded; charset=UTF-8",
		form["signatureMethod"] != method:
		return `{"code":405,"msg":"param error"}`
	case form["secretId"] != secretID || form["businessId"] != businessID:
		return `{"code":400,"msg":"bad request"}`
	case form["timestamp"] != "1700000000000":
		return `{"code":420,"msg":"request expired"}`
	case len(nonce) != 32 || u.nonces[nonce]:
		return `{"code":430,"msg":"replay attack"}`
	case form["signature"] != vendorSignature(form, secretKey):
		return `{"code":410,"msg":"signature failure"}`
	}
	u.nonces[nonce] = true
	return answer
}

func settings(more ...string) map[string]string {
	set := map[string]string{"secret_id": secretID, "secret_key": secretKey, "business_id": businessID}
	for i := 0; i+1 < len(more); i += 2 {
		set[more[i]] = more[i+1]
	}
	return set
}

func open(t *testing.T, more ...string) onetap.Verifier {
	t.Helper()
	v, err := onetap.New("yidun", settings(more...), at)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

const good = `{"code":200,"msg":"ok","data":{"phone":"13800000000"}}`

func TestYidunSignsAsTheVendorDoes(t *testing.T) {
	for _, method := range []string{"", "MD5", "SHA1", "SHA256"} {
		t.Run(method, func(t *testing.T) {
			up := newUpstream(t, method, good)
			v := open(t, "base", up.URL+"/", "signature_method", method)
			for _, tok := range []string{token, "with + & = 号 and spaces"} {
				got, err := v.Phone(t.Context(), tok, access)
				if err != nil || got != "+8613800000000" {
					t.Errorf("%q: %q, %v", tok, got, err)
				}
				if form := *up.last.Load(); form.Get("token") != tok || form.Get("accessToken") != access {
					t.Errorf("sent %v", form)
				}
			}
		})
	}
}

func TestYidunAnswers(t *testing.T) {
	for _, tt := range []struct {
		name, answer string
		want         errs.Code
	}{
		{"a number", good, ""},
		{"a code as text", `{"code":"200","data":{"phone":"13800000000"}}`, ""},
		{"a number without quotes", `{"code":200,"data":{"phone":13800000000}}`, ""},
		{"no number from the carrier", `{"code":200,"data":{"phone":"","resultCode":"105312"}}`, errs.OneTapRefused},
		{"a null number", `{"code":200,"data":{"phone":null}}`, errs.OneTapRefused},
		{"a masked number", `{"code":200,"data":{"phone":"138****0000"}}`, errs.OneTapRefused},
		{"a landline", `{"code":200,"data":{"phone":"02012345678"}}`, errs.OneTapRefused},
		{"a token that does not decode", `{"code":440,"msg":"decode error"}`, errs.OneTapRefused},
		{"a wrong token", `{"code":450,"msg":"wrong token"}`, errs.OneTapRefused},
		{"no data", `{"code":200}`, errs.Unavailable},
		{"data of another kind", `{"code":200,"data":"x"}`, errs.Unavailable},
		{"missing ids", `{"code":400}`, errs.Unavailable},
		{"a forbidden business", `{"code":401}`, errs.Unavailable},
		{"a wrong signature", `{"code":410}`, errs.Unavailable},
		{"a late request", `{"code":420}`, errs.Unavailable},
		{"no quota", `{"code":429}`, errs.Unavailable},
		{"a replay", `{"code":430}`, errs.Unavailable},
		{"an outage", `{"code":503}`, errs.Unavailable},
		{"no money", `{"code":507}`, errs.Unavailable},
		{"too many requests", `{"code":508}`, errs.Unavailable},
		{"something else", `{"code":1002,"msg":"13800000000"}`, errs.Unavailable},
		{"no code", `{}`, errs.Unavailable},
		{"a page", `<html>busy</html>`, errs.Unavailable},
		{"half an answer", `{"code":200,"data":{"pho`, errs.Unavailable},
		{"nothing", ``, errs.Unavailable},
		{"too much", `{"code":200,"data":{"phone":"13800000000"},"x":"` + strings.Repeat("x", 256<<10) + `"}`, errs.Unavailable},
	} {
		t.Run(tt.name, func(t *testing.T) {
			up := newUpstream(t, "", tt.answer)
			got, err := open(t, "base", up.URL).Phone(t.Context(), token, access)
			if errs.CodeOf(err) != tt.want || (got == "") != (err != nil) {
				t.Errorf("%q, %v; want %q", got, err, tt.want)
			}
			tellsNothing(t, err)
			if n := up.hits.Load(); n != 1 {
				t.Errorf("asked %d times, but the tokens are good once", n)
			}
		})
	}
}

func tellsNothing(t *testing.T, err error) {
	t.Helper()
	if err == nil {
		return
	}
	for _, word := range []string{"1380000", secretKey, secretID, "sim-", "signature="} {
		if strings.Contains(err.Error(), word) {
			t.Errorf("the error holds %q: %v", word, err)
		}
	}
}

func TestYidunRefusesTokensItNeedNotAskAbout(t *testing.T) {
	up := newUpstream(t, "", good)
	v := open(t, "base", up.URL)
	for name, pair := range map[string][2]string{
		"no token": {"", access}, "no access token": {token, ""},
		"a long token": {strings.Repeat("x", 9<<10), access}, "a long access token": {token, strings.Repeat("x", 9<<10)},
	} {
		if _, err := v.Phone(t.Context(), pair[0], pair[1]); errs.CodeOf(err) != errs.OneTapRefused {
			t.Errorf("%s: %v", name, err)
		}
	}
	if up.hits.Load() != 0 {
		t.Error("they were sent")
	}
}

// nowhere is an address that refuses connections.
func nowhere(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return "http://" + l.Addr().String()
}

func TestYidunAsksTheSecondHostOnlyWhenTheFirstCannotBeReached(t *testing.T) {
	second := newUpstream(t, "", good)
	if got, err := open(t, "base", nowhere(t), "fallback", second.URL).Phone(t.Context(), token, access); got != "+8613800000000" || err != nil {
		t.Errorf("unreachable host: %q, %v", got, err)
	}
	for name, answer := range map[string]func(w http.ResponseWriter, c net.Conn){
		"an error": func(w http.ResponseWriter, _ net.Conn) { w.WriteHeader(http.StatusBadGateway) },
		"a redirect": func(w http.ResponseWriter, _ net.Conn) {
			w.Header().Set("Location", second.URL)
			w.WriteHeader(http.StatusTemporaryRedirect)
		},
		"a hung-up": func(_ http.ResponseWriter, c net.Conn) { c.Close() },
		"a refusal": func(w http.ResponseWriter, _ net.Conn) { io.WriteString(w, `{"code":450}`) },
		"half an answer": func(_ http.ResponseWriter, c net.Conn) {
			fmt.Fprint(c, "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{")
			c.Close()
		},
		"something else":  func(_ http.ResponseWriter, c net.Conn) { fmt.Fprint(c, "SMTP ready\r\n"); c.Close() },
		"a vendor outage": func(w http.ResponseWriter, _ net.Conn) { io.WriteString(w, `{"code":503}`) },
	} {
		t.Run(name, func(t *testing.T) {
			second := newUpstream(t, "", good)
			var hits atomic.Int32
			first := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				hits.Add(1)
				if h, ok := w.(http.Hijacker); ok && strings.Contains("a hung-up half an answer something else", name) {
					c, _, _ := h.Hijack()
					answer(nil, c)
					return
				}
				answer(w, nil)
			}))
			t.Cleanup(first.Close)
			v := open(t, "base", first.URL, "fallback", second.URL)
			for range 2 { // the second time over a connection that may be open already
				_, err := v.Phone(t.Context(), token, access)
				if err == nil {
					t.Error("it counted as an answer")
				}
				tellsNothing(t, err)
			}
			if hits.Load() != 2 || second.hits.Load() != 0 {
				t.Errorf("asked %d and %d times for two calls", hits.Load(), second.hits.Load())
			}
		})
	}
}

func TestYidunGivesUpWithTheCaller(t *testing.T) {
	up := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	}))
	t.Cleanup(up.Close)
	second := newUpstream(t, "", good)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := open(t, "base", up.URL, "fallback", second.URL).Phone(ctx, token, access)
	if errs.CodeOf(err) != errs.Unavailable || second.hits.Load() != 0 {
		t.Errorf("%v after %d questions to the second host", err, second.hits.Load())
	}
	tellsNothing(t, err)
}

func TestNewRefusesBadSettings(t *testing.T) {
	for name, set := range map[string]map[string]string{
		"no key":            {"secret_id": secretID, "business_id": businessID},
		"no id":             {"secret_key": secretKey, "business_id": businessID},
		"no business":       {"secret_key": secretKey, "secret_id": secretID},
		"clear text":        settings("base", "http://ye.dun.163.com"),
		"clear fallback":    settings("fallback", "http://ye.dun.163yun.com"),
		"a query":           settings("base", "https://ye.dun.163.com/?a=b"),
		"a user":            settings("base", "https://u:p@ye.dun.163.com"),
		"no host":           settings("base", "/v1"),
		"an unknown method": settings("signature_method", "SM3"),
		"a lower-case one":  settings("signature_method", "md5"),
		"no certificate":    settings("ca", "nothing"),
		"an unknown option": settings("colour", "red"),
	} {
		if _, err := onetap.New("yidun", set, at); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	for name, set := range map[string]map[string]string{
		"the defaults": settings(), "a prefix": settings("base", "http://127.0.0.1:18081/yidun-ye"),
	} {
		if _, err := onetap.New("yidun", set, at); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestEveryDriverIsDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range onetap.Drivers() {
		if k.Name == "" || k.Doc == "" {
			t.Errorf("driver %q lacks words", k.Name)
		}
		for _, o := range k.Options {
			if o.Doc == "" || !strings.Contains(string(page), "`"+o.Name+"`") {
				t.Errorf("%s: option %q lacks words", k.Name, o.Name)
			}
		}
	}
}
