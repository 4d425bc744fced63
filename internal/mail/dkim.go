package mail

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/tigertally/tigertally/internal/driver"
	"github.com/tigertally/tigertally/internal/secret"
)

const minRSABits = 2048

func dkimOptions() []driver.Option {
	return []driver.Option{
		{Name: "dkim_domain", Doc: "Domain to sign for with DKIM, that of `from` or a parent of it. Empty: not signed."},
		{Name: "dkim_selector", Doc: "Selector: the key is published at SELECTOR._domainkey.DOMAIN."},
		{Name: "dkim_key", Doc: "Private key in PEM, RSA of at least 2048 bits or Ed25519, such as dkim_key_file: PATH.", Secret: true},
	}
}

// dkim signs messages, relaxed/relaxed (RFC 6376, RFC 8463).
type dkim struct {
	domain, selector, algorithm string

	key crypto.Signer
}

var selector = regexp.MustCompile(`^[A-Za-z0-9](?:[A-Za-z0-9.-]{0,61}[A-Za-z0-9])?$`)

// newDKIM reads the settings; nil means that mail is not signed.
func newDKIM(set map[string]string, from string) (*dkim, error) {
	d := &dkim{domain: strings.ToLower(set["dkim_domain"]), selector: set["dkim_selector"]}
	if d.domain == "" && d.selector == "" && set["dkim_key"] == "" {
		return nil, nil
	}
	if d.domain == "" || !selector.MatchString(d.selector) || !selector.MatchString(d.domain) {
		return nil, errors.New("smtp dkim wants dkim_domain, dkim_selector and dkim_key")
	}
	if sender := strings.ToLower(domain(from)); sender != d.domain && !strings.HasSuffix(sender, "."+d.domain) {
		return nil, errors.New("smtp dkim_domain is not that of from, so receivers would not count it")
	}
	block, _ := pem.Decode([]byte(set["dkim_key"]))
	if block == nil {
		return nil, errors.New("smtp dkim_key is not PEM")
	}
	var err error
	if d.key, err = privateKey(block.Bytes); err != nil {
		return nil, err
	}
	d.algorithm = "ed25519-sha256"
	if k, ok := d.key.(*rsa.PrivateKey); ok {
		d.algorithm = "rsa-sha256"
		if k.N.BitLen() < minRSABits {
			return nil, fmt.Errorf("smtp dkim_key has %d bits, want %d", k.N.BitLen(), minRSABits)
		}
	}
	return d, nil
}

func privateKey(der []byte) (crypto.Signer, error) {
	if k, err := x509.ParsePKCS1PrivateKey(der); err == nil {
		return k, nil
	}
	k, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, errors.New("smtp dkim_key holds no private key")
	}
	switch k := k.(type) {
	case *rsa.PrivateKey:
		return k, nil
	case ed25519.PrivateKey:
		return k, nil
	}
	return nil, errors.New("smtp dkim_key is neither RSA nor Ed25519")
}

// signed lists the headers a signature covers. From, Subject and Date are there twice, so
// that nobody can add a second one to a message that has the first.
func signed() []string {
	return []string{
		"From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type", "From", "Subject", "Date",
	}
}

// sign puts a signature in front of a message.
func (d *dkim) sign(raw []byte, now time.Time) ([]byte, error) {
	head, body, ok := bytes.Cut(raw, []byte("\r\n\r\n"))
	if !ok {
		return nil, errors.New("the message has no body")
	}
	hash := sha256.Sum256(relaxBody(body))
	value := "v=1; a=" + d.algorithm + "; c=relaxed/relaxed; d=" + d.domain + "; s=" + d.selector +
		"; t=" + strconv.FormatInt(now.Unix(), 10) + ";\r\n\th=" + strings.Join(signed(), ":") + ";\r\n\tbh=" +
		base64.StdEncoding.EncodeToString(hash[:]) + ";\r\n\tb="
	var text strings.Builder
	headers := fields(string(head))
	for _, name := range signed() {
		lower := strings.ToLower(name)
		if lines := headers[lower]; len(lines) > 0 { // from the last up
			text.WriteString(relaxHeader(lower, lines[len(lines)-1]) + "\r\n")
			headers[lower] = lines[:len(lines)-1]
		}
	}
	text.WriteString(relaxHeader("dkim-signature", value))
	signature, err := signWith(d.key, text.String())
	if err != nil {
		return nil, fmt.Errorf("signing a mail: %w", err)
	}
	return append([]byte("DKIM-Signature: "+value+fold(base64.StdEncoding.EncodeToString(signature))+"\r\n"), raw...), nil
}

// signWith signs the hash: Ed25519 takes it as its message (RFC 8463 section 3).
func signWith(key crypto.Signer, text string) ([]byte, error) {
	sum := sha256.Sum256([]byte(text))
	if k, ok := key.(ed25519.PrivateKey); ok {
		return ed25519.Sign(k, sum[:]), nil
	}
	return key.Sign(secret.Reader(), sum[:], crypto.SHA256)
}

// fields are the unfolded values of a header by lower-case name, in order.
func fields(head string) map[string][]string {
	all := map[string][]string{}
	unfolded := strings.NewReplacer("\r\n ", " ", "\r\n\t", "\t").Replace(head)
	for line := range strings.SplitSeq(unfolded, "\r\n") {
		name, value, _ := strings.Cut(line, ":")
		name = strings.ToLower(strings.TrimSpace(name))
		all[name] = append(all[name], value)
	}
	return all
}

var blanks = regexp.MustCompile(`[ \t]+`)

// relaxHeader is RFC 6376 section 3.4.2.
func relaxHeader(name, value string) string {
	value = strings.ReplaceAll(value, "\r\n", "")
	return strings.ToLower(name) + ":" + strings.Trim(blanks.ReplaceAllString(value, " "), " ")
}

// relaxBody is RFC 6376 section 3.4.4.
func relaxBody(body []byte) []byte {
	lines := strings.Split(string(body), "\r\n")
	for i, line := range lines {
		lines[i] = strings.TrimRight(blanks.ReplaceAllString(line, " "), " ")
	}
	text := strings.TrimRight(strings.Join(lines, "\r\n"), "\r\n")
	if text == "" {
		return nil
	}
	return []byte(text + "\r\n")
}

// fold breaks a signature into lines a header may have.
func fold(b64 string) string {
	const width = 70
	var b strings.Builder
	for len(b64) > width {
		b.WriteString(b64[:width] + "\r\n\t")
		b64 = b64[width:]
	}
	return b.String() + b64
}
