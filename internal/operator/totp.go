package operator

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // RFC 6238's default, which every authenticator app knows.
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"net/url"
	"time"

	"github.com/tigertally/tigertally/internal/secret"
)

// The parameters of RFC 6238 that every authenticator app takes for granted.
const (
	totpStep   = 30 * time.Second
	totpDigits = 6
	totpSeed   = 20 // bytes, the length of a SHA-1
	totpSkew   = 1  // steps a clock may be off, either way
)

// totpAt is the code of one time step (RFC 4226, section 5.3).
func totpAt(seed []byte, step int64) string {
	mac := hmac.New(sha1.New, seed)
	var counter [8]byte
	binary.BigEndian.PutUint64(counter[:], uint64(step)) //nolint:gosec // steps are not negative.
	mac.Write(counter[:])
	sum := mac.Sum(nil)
	at := sum[len(sum)-1] & 0x0f
	value := binary.BigEndian.Uint32(sum[at:]) & 0x7fffffff
	return fmt.Sprintf("%0*d", totpDigits, value%1_000_000)
}

// totpMatch returns the step whose code was shown, 0 for none. All steps are looked at, so that the
// time does not tell which.
func totpMatch(seed []byte, code string, now time.Time) (step int64) {
	current := now.Unix() / int64(totpStep/time.Second)
	for s := current - totpSkew; s <= current+totpSkew; s++ {
		if secret.Equal([]byte(totpAt(seed, s)), []byte(code)) {
			step = s
		}
	}
	return step
}

// authenticator is how an app is told the seed: the key URI format every app reads.
func authenticator(issuer, name string, seed []byte) Authenticator {
	text := base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(seed)
	q := url.Values{"secret": {text}, "issuer": {issuer}, "algorithm": {"SHA1"}, "digits": {"6"}, "period": {"30"}}
	uri := "otpauth://totp/" + url.PathEscape(issuer+":"+name) + "?" + q.Encode()
	return Authenticator{Secret: text, URI: uri}
}
