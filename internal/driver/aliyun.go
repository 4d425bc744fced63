package driver

import (
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/tigertally/tigertally/internal/secret"
)

const aliyunAlgorithm = "ACS3-HMAC-SHA256"

// AliyunKey signs calls to Aliyun's RPC-style API.
// https://help.aliyun.com/zh/sdk/product-overview/v3-request-structure-and-signature
type AliyunKey struct{ ID, Secret string }

// AliyunCall names what is called and when. Nonce is a random one unless set.
type AliyunCall struct {
	Action, Version string
	At              time.Time
	Nonce           string
}

// Sign writes the headers of a request with this body. Every x-acs-* header is signed,
// and so is the host that is sent.
func (k AliyunKey) Sign(req *http.Request, body []byte, c AliyunCall) {
	if c.Nonce == "" {
		c.Nonce = hex.EncodeToString(secret.Bytes(16))
	}
	hash := hexHash(body)
	headers := map[string]string{
		"host": req.URL.Host, "x-acs-action": c.Action, "x-acs-version": c.Version,
		"x-acs-date": c.At.UTC().Format("2006-01-02T15:04:05Z"), "x-acs-signature-nonce": c.Nonce,
		"x-acs-content-sha256": hash,
	}
	names := make([]string, 0, len(headers))
	for name, value := range headers {
		names = append(names, name)
		if name != "host" {
			req.Header.Set(name, value)
		}
	}
	slices.Sort(names)
	var lines strings.Builder
	for _, name := range names {
		lines.WriteString(name + ":" + headers[name] + "\n")
	}
	signed := strings.Join(names, ";")
	canonical := req.Method + "\n/\n" + req.URL.RawQuery + "\n" + lines.String() + "\n" + signed + "\n" + hash
	text := aliyunAlgorithm + "\n" + hexHash([]byte(canonical))
	req.Header.Set("Authorization", aliyunAlgorithm+" Credential="+k.ID+",SignedHeaders="+signed+
		",Signature="+hex.EncodeToString(mac256([]byte(k.Secret), text)))
}

// AliyunQuery writes values as they are signed: in the order of their names, escaped as
// RFC 3986 wants it.
func AliyunQuery(values url.Values) string {
	return strings.ReplaceAll(values.Encode(), "+", "%20")
}
