package onetap

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tigertally/tigertally/internal/driver"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/secret"
)

const (
	yidunBase     = "https://ye.dun.163.com"
	yidunFallback = "https://ye.dun.163yun.com"
	yidunPath     = "/v1/oneclick/check"

	maxToken = 8 << 10 // the longest tokens carriers make are a quarter of that
)

func yidunOptions() []driver.Option {
	return []driver.Option{
		{Name: "secret_id", Doc: "SecretId of the product.", Required: true},
		{Name: "secret_key", Doc: "SecretKey, the key of the signature.", Required: true, Secret: true},
		{Name: "business_id", Doc: "Business id of the application.", Required: true},
		{Name: "signature_method", Doc: "MD5, SHA1 or SHA256. Empty: MD5, and the request does not say so."},
		{Name: "base", Doc: "Address of the service. Empty: " + yidunBase + "."},
		{Name: "fallback", Doc: "Where to ask when base cannot be reached. Empty: " + yidunFallback + ", or none with a base of your own."},
		{Name: "allow", Doc: "Addresses or ranges that may be dialled although they are not on the internet, such as `10.1.2.3, fd00::/8`."},
		{Name: "ca", Doc: "Certificates in PEM to trust besides the system's, such as ca_file: PATH."},
	}
}

// yidun asks NetEase Yidun.
// https://support.dun.163.com/documents/287305921855672320
type yidun struct {
	hosts                           []host
	secretID, secretKey, businessID string
	method                          string // as in the request, "" when it does not say
	now                             func() time.Time
}

func newYidun(set map[string]string, now func() time.Time) (Verifier, error) {
	y := &yidun{
		secretID: set["secret_id"], secretKey: set["secret_key"], businessID: set["business_id"],
		method: set["signature_method"], now: now,
	}
	if _, ok := signatures()[y.method]; !ok {
		return nil, fmt.Errorf("yidun signature_method is MD5, SHA1 or SHA256, not %q", y.method)
	}
	base, fallback := set["base"], set["fallback"]
	if base == "" {
		base = yidunBase
		if fallback == "" {
			fallback = yidunFallback
		}
	}
	for _, b := range []string{base, fallback} {
		if b == "" {
			continue
		}
		if err := checkBase(b); err != nil {
			return nil, fmt.Errorf("yidun base %w", err)
		}
		h, err := newHost(strings.TrimRight(b, "/"), set["allow"], set["ca"], now)
		if err != nil {
			return nil, fmt.Errorf("yidun %w", err)
		}
		y.hosts = append(y.hosts, h)
	}
	return y, nil
}

func checkBase(raw string) error {
	if err := driver.CheckURL(raw); err != nil {
		return err
	}
	if u, err := url.Parse(raw); err != nil || u.RawQuery != "" || u.Fragment != "" {
		return errors.New("has more than scheme, host and path")
	}
	return nil
}

// Phone asks the first host that can be reached. A host that was reached is the last one
// asked: it may have used up the tokens.
func (y *yidun) Phone(ctx context.Context, token, accessToken string) (string, error) {
	if token == "" || accessToken == "" || len(token) > maxToken || len(accessToken) > maxToken {
		return "", refused("no_token", "no usable token")
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	var failed error
	for _, h := range y.hosts {
		answer, reached, err := h.post(ctx, yidunPath, y.form(token, accessToken))
		if err == nil {
			return readYidun(answer)
		}
		failed = errors.Join(failed, err)
		if reached || ctx.Err() != nil {
			break
		}
	}
	return "", errs.New(errs.Unavailable, "reason", "unreachable").Because(fmt.Errorf("asking yidun: %w", failed))
}

// form is a request with a nonce of its own: a host refuses one it has seen.
func (y *yidun) form(token, accessToken string) url.Values {
	f := url.Values{
		"secretId": {y.secretID}, "businessId": {y.businessID}, "version": {"v1"},
		"timestamp": {strconv.FormatInt(y.now().UnixMilli(), 10)}, "nonce": {hex.EncodeToString(secret.Bytes(16))},
		"token": {token}, "accessToken": {accessToken},
	}
	if y.method != "" {
		f.Set("signatureMethod", y.method)
	}
	f.Set("signature", signYidun(y.method, y.secretKey, f))
	return f
}

// signYidun hashes names and raw values in the order of the names, then the key.
func signYidun(method, key string, form url.Values) string {
	names := make([]string, 0, len(form))
	for name := range form {
		if name != "signature" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	var b strings.Builder
	for _, name := range names {
		b.WriteString(name)
		b.WriteString(form.Get(name))
	}
	b.WriteString(key)
	return signatures()[method](b.String())
}
