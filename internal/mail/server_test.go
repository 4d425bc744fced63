package mail_test

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tigertally/tigertally/internal/secret"
)

// server is an SMTP server that speaks as much as a submission needs.
type server struct {
	addr     string
	greeting []string // extensions
	refuse   string   // answer to RCPT, "" accepts
	denied   string   // answer to AUTH, "" accepts
	end      string   // answer to a message; "" accepts, "drop" hangs up
	inject   string   // written in clear behind the answer to STARTTLS
	cert     *tls.Config
	implicit bool

	mu   sync.Mutex
	seen session
}

// session is what one client said.
type session struct {
	from, to, auth string
	data           string
	tls            bool
}

func (s *server) start(t *testing.T) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.addr = l.Addr().String()
	var wg sync.WaitGroup
	t.Cleanup(func() { l.Close(); wg.Wait() })
	wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			if s.implicit {
				conn = tls.Server(conn, s.cert)
			}
			wg.Go(func() { s.talk(conn) })
		}
	})
}

func (s *server) talk(conn net.Conn) {
	defer func() { conn.Close() }()
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	r := bufio.NewReader(conn)
	say := func(line string) { conn.Write([]byte(line + "\r\n")) }
	read := func() string {
		line, _ := r.ReadString('\n')
		return strings.TrimRight(line, "\r\n")
	}
	secure := s.implicit
	note := func(fn func(*session)) { s.mu.Lock(); defer s.mu.Unlock(); fn(&s.seen) }
	say("220 test")
	for {
		line := read()
		verb, rest, _ := strings.Cut(line, " ")
		switch strings.ToUpper(verb) {
		case "EHLO":
			say("250-test")
			for _, e := range s.greeting {
				say("250-" + e)
			}
			say("250 8BITMIME")
		case "STARTTLS":
			conn.Write([]byte("220 go\r\n" + s.inject))
			conn = tls.Server(conn, s.cert)
			r, secure = bufio.NewReader(conn), true
		case "AUTH":
			method, initial, _ := strings.Cut(rest, " ")
			if method == "LOGIN" {
				say("334 " + base64.StdEncoding.EncodeToString([]byte("Username:")))
				user := read()
				say("334 " + base64.StdEncoding.EncodeToString([]byte("Password:")))
				initial = user + "," + read()
			}
			note(func(x *session) { x.auth = method + " " + initial })
			if s.denied != "" {
				say(s.denied)
				continue
			}
			say("235 ok")
		case "MAIL":
			note(func(x *session) { x.from = rest; x.tls = secure })
			say("250 ok")
		case "RCPT":
			if s.refuse != "" {
				say(s.refuse)
				continue
			}
			note(func(x *session) { x.to += rest })
			say("250 ok")
		case "DATA":
			say("354 go")
			var b strings.Builder
			for l := read(); l != "."; l = read() {
				b.WriteString(l + "\r\n")
			}
			note(func(x *session) { x.data = b.String() })
			switch s.end {
			case "":
				say("250 ok")
			case "drop":
				return
			default:
				say(s.end)
			}
		case "QUIT", "":
			say("221 bye")
			return
		default:
			say("500 what")
		}
	}
}

// certificate is one for 127.0.0.1 that nobody trusts.
func certificate(t *testing.T) *tls.Config {
	t.Helper()
	conf, _ := authority(t)
	return conf
}

// authority is a certificate for 127.0.0.1 and its PEM, for those who shall trust it.
func authority(t *testing.T) (*tls.Config, string) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), secret.Reader())
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(secret.Reader(), c, c, &k.PublicKey, k)
	if err != nil {
		t.Fatal(err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: k}}, MinVersion: tls.VersionTLS12}, string(text)
}
