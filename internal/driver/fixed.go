package driver

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// Fixed makes the client for one address the operator has written down: its port and,
// if it is this machine, loopback may be dialled besides what the allow list names.
func Fixed(base, allow string, timeout time.Duration, now func() time.Time) (*http.Client, error) {
	return FixedWith(base, allow, ClientOptions{Now: now, Timeout: timeout})
}

// FixedWith is Fixed with more options.
func FixedWith(base, allow string, o ClientOptions) (*http.Client, error) {
	if err := CheckURL(base); err != nil {
		return nil, err
	}
	u, err := url.Parse(base)
	if err != nil {
		return nil, errors.New("is not an absolute address")
	}
	if o.Allow, err = ParseRanges(allow); err != nil {
		return nil, fmt.Errorf("allow: %w", err)
	}
	if Loopback(u.Hostname()) {
		o.Allow = append(o.Allow, LoopbackRanges()...)
	}
	if u.Port() != "" {
		port, err := strconv.ParseUint(u.Port(), 10, 16)
		if err != nil {
			return nil, errors.New("has a bad port")
		}
		o.Ports = append(o.Ports, uint16(port))
	}
	return NewClient(o), nil
}

// Trust returns the system's roots and those of pem, nil for the system's alone.
func Trust(pem string) (*x509.CertPool, error) {
	if pem == "" {
		return nil, nil
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		return nil, err
	}
	if !roots.AppendCertsFromPEM([]byte(pem)) {
		return nil, errors.New("holds no certificate")
	}
	return roots, nil
}
