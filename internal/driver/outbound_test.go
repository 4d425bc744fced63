package driver_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/tigertally/tigertally/internal/driver"
)

// clock is a time that tests move.
type clock struct{ ahead atomic.Int64 }

func (c *clock) now() time.Time          { return time.Unix(1_700_000_000, c.ahead.Load()) }
func (c *clock) advance(d time.Duration) { c.ahead.Add(int64(d)) }

func local(o driver.ClientOptions) *http.Client {
	if o.Now == nil {
		o.Now = (&clock{}).now
	}
	o.Allow = driver.LoopbackRanges()
	return driver.NewClient(o)
}

func ask(t *testing.T, client *http.Client, method, address, body string) (driver.Answer, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(body))
	if err != nil {
		return driver.Answer{}, err
	}
	return driver.Do(client, req)
}

func serve(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

func TestDoReadsTheWholeAnswerWhateverItsStatus(t *testing.T) {
	address := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("X-Seen", r.Method+" "+r.URL.RawQuery)
		w.WriteHeader(http.StatusTeapot)
		fmt.Fprintf(w, "%s/%v", body, r.TransferEncoding)
	})
	a, err := ask(t, local(driver.ClientOptions{}), http.MethodGet, address+"/a?b=c", "")
	if err != nil || a.Status != http.StatusTeapot || string(a.Body) != "/[]" || a.Header.Get("X-Seen") != "GET b=c" {
		t.Errorf("GET got %+v, %v", a, err)
	}
	a, err = ask(t, local(driver.ClientOptions{}), http.MethodPost, address, "form")
	if err != nil || string(a.Body) != "form/[]" {
		t.Errorf("POST got %+v, %v", a, err)
	}
}

// SS-01: nobody makes the server talk to itself, its neighbours or the cloud's metadata.
func TestSS01OnlyPublicAddressesAreDialled(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var hits atomic.Int32
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			hits.Add(1)
			conn.Close()
		}
	}()
	port := netip.MustParseAddrPort(l.Addr().String()).Port()
	client := driver.NewClient(driver.ClientOptions{
		Now: (&clock{}).now, Ports: []uint16{port}, Resolver: resolver(t, "127.0.0.1", "::1", "::ffff:127.0.0.1"), Timeout: time.Second,
	})
	for host := range strings.FieldsSeq(`
		127.0.0.1 127.1 127.0.1 2130706433 0x7f000001 0x7f.1 0177.0.0.1 017700000001 127.0.0.1. 127.255.255.254
		localhost localhost. LOCALHOST 0.0.0.0 0 [::] [::1] [0:0:0:0:0:0:0:1] [::ffff:127.0.0.1] [::ffff:7f00:1]
		[::127.0.0.1] [64:ff9b::127.0.0.1] [64:ff9b:1::7f00:1] [2002:7f00:1::] [2001:0:7f00:1::] [fe80::1] [fe80::1%25lo]
		[fc00::1] [fd00:ec2::254] [ff02::1] [2001:db8::1] [3fff::1] [100::1] [fec0::1]
		10.0.0.1 10.255.255.255 172.16.0.1 172.31.255.255 192.168.0.1 192.168.255.255 100.64.0.1 100.100.100.200
		169.254.169.254 169.254.0.23 169.254.170.2 192.0.0.192 192.0.2.1 198.18.0.1 198.51.100.1 203.0.113.1
		192.88.99.1 224.0.0.1 239.255.255.250 240.0.0.1 255.255.255.255
		rebound.example metadata.google.internal a.b.example`) {
		for _, address := range []string{
			fmt.Sprintf("https://%s:%d/", host, port), fmt.Sprintf("http://%s:%d/", host, port),
			fmt.Sprintf("https://example.com@%s:%d/", host, port), fmt.Sprintf("https://user:pass@%s:%d/", host, port),
		} {
			if a, err := ask(t, client, http.MethodGet, address, ""); err == nil {
				t.Errorf("%s answered %+v", address, a)
			}
		}
	}
	if n := hits.Load(); n != 0 {
		t.Errorf("%d connections were made", n)
	}
}

// resolver answers every name with one of addrs after the other.
func resolver(t *testing.T, addrs ...string) *net.Resolver {
	t.Helper()
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { pc.Close() })
	go func() {
		buf := make([]byte, 1500)
		for n := 0; ; n++ {
			size, from, err := pc.ReadFrom(buf)
			if err != nil {
				return
			}
			var m dnsmessage.Message
			if m.Unpack(buf[:size]) != nil {
				continue
			}
			m.Response, m.Additionals = true, nil
			for _, q := range m.Questions {
				a := netip.MustParseAddr(addrs[n%len(addrs)])
				h := dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class}
				switch {
				case q.Type == dnsmessage.TypeA && a.Is4():
					m.Answers = append(m.Answers, dnsmessage.Resource{Header: h, Body: &dnsmessage.AResource{A: a.As4()}})
				case q.Type == dnsmessage.TypeAAAA && a.Is6():
					m.Answers = append(m.Answers, dnsmessage.Resource{Header: h, Body: &dnsmessage.AAAAResource{AAAA: a.As16()}})
				}
			}
			if out, err := m.Pack(); err == nil {
				pc.WriteTo(out, from)
			}
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", pc.LocalAddr().String())
	}}
}

func TestSS01ARangeMayBeAllowed(t *testing.T) {
	address := serve(t, func(http.ResponseWriter, *http.Request) {})
	allow, err := driver.ParseRanges("10.0.0.0/8, 127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ask(t, driver.NewClient(driver.ClientOptions{Now: (&clock{}).now, Allow: allow}), http.MethodGet, address, ""); err != nil {
		t.Error(err)
	}
	for _, list := range []string{"10.0.0.0/33", "example.com", "10.0.0.1-2"} {
		if _, err := driver.ParseRanges(list); err == nil {
			t.Errorf("%q is a list of ranges", list)
		}
	}
}

func TestSS01ClearTextLeavesOnlyForThisMachine(t *testing.T) {
	_, err := ask(t, local(driver.ClientOptions{}), http.MethodGet, "http://93.184.216.34/?secret=hunter2", "")
	if !errors.Is(err, driver.ErrUnsent) || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("got %v", err)
	}
}

func TestSS01NoRedirectIsFollowedAndNoProxyAsked(t *testing.T) {
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1")
	var hits atomic.Int32
	other := serve(t, func(http.ResponseWriter, *http.Request) { hits.Add(1) })
	address := serve(t, func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "a", Value: "b"})
		http.Redirect(w, r, other, http.StatusTemporaryRedirect)
	})
	a, err := ask(t, local(driver.ClientOptions{}), http.MethodGet, address, "")
	if err != nil || a.Status != http.StatusTemporaryRedirect || hits.Load() != 0 {
		t.Errorf("got %+v, %v and %d visits", a, err, hits.Load())
	}
}

func TestSS01AnAnswerIsCapped(t *testing.T) {
	address := serve(t, func(w http.ResponseWriter, r *http.Request) {
		size := 256 << 10
		if r.URL.Path == "/long" {
			size++
		}
		io.WriteString(w, strings.Repeat("x", size))
	})
	client := local(driver.ClientOptions{})
	if a, err := ask(t, client, http.MethodGet, address, ""); err != nil || len(a.Body) != 256<<10 {
		t.Errorf("got %d bytes, %v", len(a.Body), err)
	}
	if _, err := ask(t, client, http.MethodGet, address+"/long?code=hunter2", ""); !errors.Is(err, driver.ErrTooLarge) || errors.Is(err, driver.ErrUnsent) || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("got %v", err)
	}
}

func TestErrorsHoldNoQueryAndSayWhatWasSent(t *testing.T) {
	hang := make(chan struct{})
	address := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/hang":
			<-hang
		case "/reset":
			conn, _, _ := w.(http.Hijacker).Hijack()
			conn.(*net.TCPConn).SetLinger(0)
			conn.Close()
		case "/half":
			w.Header().Set("Content-Length", "100")
			io.WriteString(w, "half")
		}
	})
	t.Cleanup(func() { close(hang) })
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := "http://" + l.Addr().String()
	l.Close()
	for _, tt := range []struct {
		name, address string
		unsent        bool
	}{
		{"a vendor that hangs", address + "/hang", false},
		{"a connection that breaks", address + "/reset", false},
		{"an answer that ends early", address + "/half", false},
		{"nobody there", closed + "/x", true},
		{"a name that does not exist", "https://nowhere.invalid/x", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := ask(t, local(driver.ClientOptions{Timeout: 200 * time.Millisecond}), http.MethodGet, tt.address+"?secret=hunter2&code=0a1b", "")
			if err == nil || errors.Is(err, driver.ErrUnsent) != tt.unsent || strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "0a1b") {
				t.Errorf("got %v", err)
			}
		})
	}
}

// A one-time code in a GET must not be sent twice, which net/http does when a connection
// it had kept breaks.
func TestARequestIsSentOnce(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var seen atomic.Int32
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer conn.Close()
				r := bufio.NewReader(conn)
				for first := true; ; first = false {
					if _, err := http.ReadRequest(r); err != nil {
						return
					}
					seen.Add(1)
					if !first {
						return // the second request on a connection is read and never answered
					}
					io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
				}
			})
		}
	})
	client := local(driver.ClientOptions{})
	defer client.CloseIdleConnections()
	if _, err := ask(t, client, http.MethodGet, "http://"+l.Addr().String(), ""); err != nil {
		t.Fatal(err)
	}
	_, err = ask(t, client, http.MethodGet, "http://"+l.Addr().String(), "")
	if err == nil || errors.Is(err, driver.ErrUnsent) || seen.Load() != 2 {
		t.Errorf("got %v after %d requests, want a failure after 2", err, seen.Load())
	}
	l.Close()
}

func TestAFailingUpstreamIsLeftAlone(t *testing.T) {
	var hits, status atomic.Int32
	status.Store(http.StatusBadGateway)
	address := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		hits.Add(1)
		w.WriteHeader(int(status.Load()))
	})
	healthy := serve(t, func(http.ResponseWriter, *http.Request) {})
	c := &clock{}
	client := local(driver.ClientOptions{Now: c.now})
	for range 5 {
		if _, err := ask(t, client, http.MethodGet, address, ""); err != nil {
			t.Fatal(err)
		}
	}
	open := func() bool {
		t.Helper()
		_, err := ask(t, client, http.MethodGet, address, "")
		if err != nil && (!errors.Is(err, driver.ErrOpen) || !errors.Is(err, driver.ErrUnsent)) {
			t.Fatal(err)
		}
		return err != nil
	}
	if !open() || hits.Load() != 5 {
		t.Errorf("asked after five failures: %d", hits.Load())
	}
	if _, err := ask(t, client, http.MethodGet, healthy, ""); err != nil {
		t.Errorf("another upstream: %v", err)
	}
	c.advance(10 * time.Second)
	if open() || !open() || hits.Load() != 6 {
		t.Errorf("asked %d times, want one try after the pause", hits.Load())
	}
	c.advance(10 * time.Second)
	status.Store(http.StatusOK)
	if again := open(); again || open() || hits.Load() != 8 {
		t.Errorf("asked %d times, want the upstream back", hits.Load())
	}
}

func TestWhoHangsUpProvesNothingAboutTheVendor(t *testing.T) {
	hang := make(chan struct{})
	var hold atomic.Bool
	hold.Store(true)
	arrived := make(chan struct{}, 10)
	address := serve(t, func(http.ResponseWriter, *http.Request) {
		arrived <- struct{}{}
		if hold.Load() {
			<-hang
		}
	})
	release := sync.OnceFunc(func() { close(hang) })
	t.Cleanup(release) // before the server waits for its requests
	client := local(driver.ClientOptions{})
	for range 6 {
		ctx, cancel := context.WithCancel(t.Context())
		req, _ := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
		go func() { <-arrived; cancel() }()
		if _, err := driver.Do(client, req); !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
	}
	hold.Store(false)
	release()
	if _, err := ask(t, client, http.MethodGet, address, ""); err != nil {
		t.Error(err)
	}
}
