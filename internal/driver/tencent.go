package driver

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const tencentAlgorithm = "TC3-HMAC-SHA256"

// TencentKey signs calls to Tencent Cloud's API 3.0.
// https://cloud.tencent.com/document/api/213/30654
type TencentKey struct{ ID, Secret string }

// TencentCall names what is called and when.
type TencentCall struct {
	Service, Action, Version string
	At                       time.Time
}

// Sign writes the headers of a POST with this body. The host that is signed is the one
// that is sent.
func (k TencentKey) Sign(req *http.Request, body []byte, c TencentCall) {
	const contentType = "application/json; charset=utf-8"
	stamp := strconv.FormatInt(c.At.Unix(), 10)
	req.Header.Set("Content-Type", contentType)
	req.Header.Set("X-TC-Action", c.Action)
	req.Header.Set("X-TC-Version", c.Version)
	req.Header.Set("X-TC-Timestamp", stamp)
	const signed = "content-type;host;x-tc-action"
	canonical := req.Method + "\n" + req.URL.EscapedPath() + "\n" + req.URL.RawQuery + "\n" +
		"content-type:" + contentType + "\n" +
		"host:" + req.URL.Host + "\n" +
		"x-tc-action:" + strings.ToLower(c.Action) + "\n\n" +
		signed + "\n" + hexHash(body)
	scope := c.At.UTC().Format(time.DateOnly) + "/" + c.Service + "/tc3_request"
	text := tencentAlgorithm + "\n" + stamp + "\n" + scope + "\n" + hexHash([]byte(canonical))
	key := []byte("TC3" + k.Secret)
	for part := range strings.SplitSeq(scope, "/") {
		key = mac256(key, part)
	}
	req.Header.Set("Authorization", tencentAlgorithm+" Credential="+k.ID+"/"+scope+
		", SignedHeaders="+signed+", Signature="+hex.EncodeToString(mac256(key, text)))
}

func hexHash(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func mac256(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}
