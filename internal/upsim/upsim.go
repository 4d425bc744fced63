// Package upsim plays the services outside that people sign in with and that carry
// messages: WeChat, WeCom, one-tap vendors and SMS vendors. It verifies every signature with the vendor's
// own algorithm, written apart from the drivers it tests, and imports nothing of them.
// It owns no part of the product: what it knows dies with it.
package upsim

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

// site is one listener. Vendors whose signature covers the path have a site of their
// own, so that the path stays "/".
type site int

const (
	siteMain site = iota
	siteTencent
	siteAliyun
	siteTLS // the main one again, by HTTPS
	siteCount
)

// Options say how a simulator runs.
type Options struct {
	// Now is the clock that the simulator's own moves are added to. Required.
	Now func() time.Time
	// Token opens the control API below /_sim. Without one there is no control API.
	Token string
	// Main, Tencent, Aliyun and TLS are the addresses to listen on. Empty: a free port
	// of the loopback interface.
	Main, Tencent, Aliyun, TLS string
	// SMTP takes mail that begins in clear, SMTPS mail over TLS. Empty: as above.
	SMTP, SMTPS string
	// AnyAddress allows addresses that other machines can reach.
	AnyAddress bool
}

// Server is a running simulator. Its methods may be called from any goroutine.
type Server struct {
	token     string
	listeners [siteCount]net.Listener
	servers   [siteCount]*http.Server
	serving   sync.WaitGroup
	closed    chan struct{} // closed when the server is
	callbacks *http.Client
	ca        *authority

	// mu guards everything below and all state of the vendors: their endpoints run
	// with it held, so that what a code is exchanged for happens once.
	mu       sync.Mutex
	idle     *sync.Cond // signalled when a request ends
	busy     int
	stopping bool
	clock    clock
	accounts Accounts
	people   people
	codes    codes
	faults   faults
	journal  journal
	expected []Match
	strict   bool
	inbox    inbox
	vendors  []vendor
	keys     keyring
	social   map[string]*grants // the tokens of people, by vendor
	office   postOffice
	serial   int // makes request ids that differ and repeat from run to run
}

// Start listens and serves until Close.
func Start(ctx context.Context, o Options) (*Server, error) {
	if o.Now == nil {
		return nil, errors.New("upsim: no clock")
	}
	accounts, users, err := fixtures()
	if err != nil {
		return nil, err
	}
	ca, err := newAuthority()
	if err != nil {
		return nil, err
	}
	keys, err := newKeyring()
	if err != nil {
		return nil, err
	}
	s := &Server{
		ca: ca, keys: keys, social: make(map[string]*grants), token: o.Token, closed: make(chan struct{}), clock: clock{base: o.Now},
		accounts: accounts, people: newPeople(users), codes: newCodes(), inbox: newInbox(),
		callbacks: newCallbackClient(),
	}
	s.idle = sync.NewCond(&s.mu)
	for _, hire := range roster() {
		s.vendors = append(s.vendors, hire(s))
	}
	muxes := s.muxes()
	for at, address := range [siteCount]string{o.Main, o.Tencent, o.Aliyun, o.TLS} {
		if err := s.listen(ctx, site(at), address, o.AnyAddress); err != nil {
			return nil, errors.Join(err, s.Close())
		}
	}
	secured, err := s.tlsConfig()
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	if err := s.openPost(ctx, o); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	for at, mux := range muxes {
		s.serve(site(at), mux, secured)
	}
	return s, nil
}

// serve answers on one site. It ends when the server is closed or its listener breaks,
// and then its clients see it.
func (s *Server) serve(at site, mux http.Handler, secured *tls.Config) {
	server := &http.Server{
		Handler: mux, ReadHeaderTimeout: 10 * time.Second, Protocols: new(http.Protocols),
		ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelInfo), // handshakes fail on purpose
	}
	server.Protocols.SetHTTP1(true) // a stream of HTTP/2 cannot be cut like a connection
	s.servers[at] = server
	if at == siteTLS {
		server.TLSConfig = secured
		s.serving.Go(func() { _ = server.ServeTLS(s.listeners[at], "", "") })
		return
	}
	s.serving.Go(func() { _ = server.Serve(s.listeners[at]) })
}

func (s *Server) listen(ctx context.Context, at site, address string, anywhere bool) error {
	var err error
	s.listeners[at], err = bind(ctx, address, anywhere)
	return err
}

func bind(ctx context.Context, address string, anywhere bool) (net.Listener, error) {
	if address == "" {
		address = "127.0.0.1:0"
	}
	if !anywhere && !loopback(address) {
		return nil, fmt.Errorf("upsim: %s can be reached from other machines", address)
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("upsim: %w", err)
	}
	return l, nil
}

func loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// muxes routes every site to its vendors, and the main one to the control API and the
// files of the pages too.
func (s *Server) muxes() [siteCount]*http.ServeMux {
	var all [siteCount]*http.ServeMux
	for at := range all {
		all[at] = http.NewServeMux()
	}
	for _, v := range s.vendors {
		for pattern, serve := range v.routes {
			all[v.site].Handle(pattern, s.handle(v, serve))
		}
	}
	all[siteMain].Handle("GET /_page/", pageFiles())
	if s.token != "" {
		all[siteMain].Handle("/_sim/", s.control())
	}
	all[siteTLS] = all[siteMain]
	return all
}

// Close stops serving and returns when no request is left.
func (s *Server) Close() error {
	s.mu.Lock()
	if s.stopping {
		s.mu.Unlock()
		return nil
	}
	s.stopping = true
	close(s.closed)
	s.mu.Unlock()
	var failed error
	for at := range s.listeners {
		switch {
		case s.servers[at] != nil:
			failed = errors.Join(failed, s.servers[at].Close())
		case s.listeners[at] != nil:
			failed = errors.Join(failed, s.listeners[at].Close())
		}
	}
	s.office.close()
	s.serving.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.busy > 0 {
		s.idle.Wait()
	}
	s.callbacks.CloseIdleConnections()
	return failed
}

// enter counts a request in, unless the server is closing.
func (s *Server) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopping {
		return false
	}
	s.busy++
	return true
}

func (s *Server) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.busy--
	s.idle.Broadcast()
}

// Bases are the addresses to configure instead of the vendors' own.
type Bases struct {
	WeChatAPI  string `json:"wechat.api_base"`
	WeChatOpen string `json:"wechat.open_base"`
	WeComAPI   string `json:"wecom.api_base"`
	WeComLogin string `json:"wecom.login_base"`
	Tencent    string `json:"sms.tencent.base"`
	Aliyun     string `json:"sms.aliyun.base"`
	Twilio     string `json:"sms.twilio.base"`
	Webhook    string `json:"sms.webhook.url"`
	Yidun      string `json:"onetap.yidun.base"`
	CMCC       string `json:"onetap.cmcc.base"`
	RapidAuth  string `json:"onetap.tencent.base"`
	OneLogin   string `json:"onetap.geetest.base"`
	Control    string `json:"control"`
	HTTPS      string `json:"https"`         // instead of the scheme and host of Control
	SMTP       string `json:"smtp.starttls"` // host and port
	SMTPS      string `json:"smtp.implicit"`
	SocialBases
}

// Bases returns where the simulator listens.
func (s *Server) Bases() Bases {
	main := s.base(siteMain)
	return Bases{
		WeChatAPI: main + "/wechat-api", WeChatOpen: main + "/wechat-open",
		WeComAPI: main + "/wecom-api", WeComLogin: main + "/wecom-login",
		Tencent: s.base(siteTencent), Aliyun: s.base(siteAliyun),
		Twilio: main + "/twilio", Webhook: main + "/sms-webhook",
		Yidun: main + "/yidun-ye", CMCC: main + "/cmpassport",
		RapidAuth: main + "/rapidauth", OneLogin: main + "/onelogin",
		Control: main + "/_sim", HTTPS: "https://" + s.listeners[siteTLS].Addr().String(), SocialBases: socialBases(main),
		SMTP: s.office.clear.Addr().String(), SMTPS: s.office.implicit.Addr().String(),
	}
}

func (s *Server) base(at site) string { return "http://" + s.listeners[at].Addr().String() }
