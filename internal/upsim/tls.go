package upsim

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"time"
)

// The faults of a connection, which come before there is a request to match.
const (
	faultTLSName    = "TLSNAME"
	faultTLSExpired = "TLSEXPIRED"
	faultTLSOld     = "TLS10"
)

// authority is the simulator's own certificate authority, with one certificate that is good
// and those that are not.
type authority struct {
	pem                  []byte
	good, named, expired tls.Certificate
}

// A client checks certificates by its own clock, so they are good for longer than any
// clock a test may set.
func validity() (from, expired, until time.Time) {
	year := func(y int) time.Time { return time.Date(y, 1, 1, 0, 0, 0, 0, time.UTC) }
	return year(2000), year(2001), year(2100)
}

func newAuthority() (authority, error) {
	from, expired, until := validity()
	root := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "upstream simulator"}, NotBefore: from, NotAfter: until,
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	key, err := newKey()
	if err != nil {
		return authority{}, err
	}
	der, err := x509.CreateCertificate(nil, root, root, key.Public(), key)
	if err != nil {
		return authority{}, fmt.Errorf("upsim: certificate authority: %w", err)
	}
	a := authority{pem: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})}
	loopbacks := []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback}
	for n, c := range []struct {
		into  *tls.Certificate
		names []string
		ips   []net.IP
		until time.Time
	}{
		{&a.good, []string{"localhost"}, loopbacks, until},
		{&a.named, []string{"somewhere.example"}, nil, until},
		{&a.expired, []string{"localhost"}, loopbacks, expired},
	} {
		leaf := &x509.Certificate{
			SerialNumber: big.NewInt(int64(n) + 2), Subject: pkix.Name{CommonName: c.names[0]}, NotBefore: from, NotAfter: c.until,
			DNSNames: c.names, IPAddresses: c.ips, KeyUsage: x509.KeyUsageDigitalSignature,
			ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		}
		if err := issue(c.into, leaf, root, key); err != nil {
			return authority{}, err
		}
	}
	return a, nil
}

// newKey makes a key. The standard library takes its own randomness.
func newKey() (crypto.Signer, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), nil)
	if err != nil {
		return nil, fmt.Errorf("upsim: key: %w", err)
	}
	return key, nil
}

func issue(into *tls.Certificate, leaf, root *x509.Certificate, by crypto.Signer) error {
	key, err := newKey()
	if err != nil {
		return err
	}
	der, err := x509.CreateCertificate(nil, leaf, root, key.Public(), by)
	if err != nil {
		return fmt.Errorf("upsim: certificate: %w", err)
	}
	*into = tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
	return nil
}

// tlsConfig asks the armed faults at every handshake.
func (s *Server) tlsConfig() *tls.Config {
	return &tls.Config{
		MinVersion:   tls.VersionTLS12,
		Certificates: []tls.Certificate{s.authority.good},
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
			s.mu.Lock()
			defer s.mu.Unlock()
			switch s.faults.connection() {
			case faultTLSName:
				return &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{s.authority.named}}, nil
			case faultTLSExpired:
				return &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{s.authority.expired}}, nil
			case faultTLSOld:
				return &tls.Config{ //nolint:gosec // a client must refuse it
					MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS10,
					Certificates: []tls.Certificate{s.authority.good},
				}, nil
			}
			return nil, nil
		},
	}
}

// CA is the certificate, in PEM, that makes the HTTPS address trusted.
func (s *Server) CA() []byte { return s.authority.pem }
