package upsim

import (
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

// authority is a certificate authority that lives as long as the simulator. Its key is
// of this run only, and it may vouch for this machine only: somebody may trust it.
type authority struct {
	cert   *x509.Certificate
	key    *ecdsa.PrivateKey
	pem    []byte
	serial int64
}

// Certificates are good whatever the clock says, be it a test's or the real one.
func always() (from, to time.Time) {
	return time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)
}

func newAuthority() (*authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), nil)
	if err != nil {
		return nil, fmt.Errorf("upsim: authority: %w", err)
	}
	from, to := always()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "upstream simulator"}, NotBefore: from, NotAfter: to,
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true, KeyUsage: x509.KeyUsageCertSign,
		PermittedDNSDomainsCritical: true, PermittedDNSDomains: []string{"localhost"},
		PermittedIPRanges: []*net.IPNet{
			{IP: net.IPv4(127, 0, 0, 0).To4(), Mask: net.CIDRMask(8, 32)}, {IP: net.IPv6loopback, Mask: net.CIDRMask(128, 128)},
		},
	}
	der, err := x509.CreateCertificate(nil, template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("upsim: authority: %w", err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("upsim: authority: %w", err)
	}
	return &authority{cert: cert, key: key, pem: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), serial: 1}, nil
}

// issue makes a certificate of this machine, or what a fault says is wrong with it.
func (a *authority) issue(f flags) (tls.Certificate, error) {
	a.serial++
	from, to := always()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(a.serial), Subject: pkix.Name{CommonName: "localhost"}, NotBefore: from, NotAfter: to,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	}
	if f.has("TLSBADNAME") {
		template.DNSNames, template.IPAddresses = []string{"elsewhere.localhost"}, nil
	}
	if f.has("TLSEXPIRED") {
		template.NotAfter = from.AddDate(1, 0, 0)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), nil)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("upsim: certificate: %w", err)
	}
	der, err := x509.CreateCertificate(nil, template, a.cert, key.Public(), a.key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("upsim: certificate: %w", err)
	}
	return tls.Certificate{Certificate: [][]byte{der, a.cert.Raw}, PrivateKey: key}, nil
}

// config is how a listener speaks TLS.
func (a *authority) config(f flags) (*tls.Config, error) {
	cert, err := a.issue(f)
	if err != nil {
		return nil, err
	}
	c := &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}
	if f.has("TLS10") {
		c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS10 // a fault that clients must refuse
	}
	return c, nil
}

// CA is the certificate, as PEM, by which everything of the simulator that speaks TLS
// can be verified. It is another one in every run.
func (s *Server) CA() []byte { return s.ca.pem }
