package testkit

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tigertally/tigertally/internal/config"
	"github.com/tigertally/tigertally/internal/db/dbtest"
)

// StartNodes runs n servers on one PostgreSQL database behind a proxy that sends each
// request to the next of them, so that no two requests of a story meet the same server if
// they can help it. What the emulator keeps in a server's memory, its inbox and clock, is
// shown as one. App is the first server's.
func StartNodes(t testing.TB, n int) *Server {
	t.Helper()
	shared, dir := dbtest.URL(t, dbtest.Postgres), filepath.Join(t.TempDir(), "data")
	front := &front{}
	proxy := httptest.NewServer(front)
	t.Cleanup(proxy.Close)
	all := &Server{URL: proxy.URL, t: t, database: shared}
	for i := range n {
		conf := config.Default()
		conf.DataDir, conf.DatabaseURL, conf.PublicURL = dir, shared, proxy.URL
		conf.OutboundAllow = []string{"127.0.0.1"}
		node := run(t, conf, false)
		at, err := url.Parse(node.URL)
		if err != nil {
			t.Fatal(err)
		}
		front.nodes = append(front.nodes, at)
		if i == 0 {
			all.App = node.App
		}
	}
	return all
}

// front is the proxy. It asks every server about what each keeps for itself.
type front struct {
	nodes []*url.URL
	turn  atomic.Uint64
}

func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path, _ := strings.CutPrefix(r.URL.Path, "/emulator/v1/")
	changes := r.Method != http.MethodGet
	switch {
	case changes && (path == "clock" || path == "reset"):
		f.all(w, r)
	case path == "messages":
		f.messages(w, r)
	default:
		to := f.nodes[f.turn.Add(1)%uint64(len(f.nodes))]
		proxy := &httputil.ReverseProxy{Rewrite: func(p *httputil.ProxyRequest) {
			p.SetURL(to)
			p.Out.Host = p.In.Host
		}}
		proxy.ServeHTTP(w, r)
		if changes && path == "settings" {
			time.Sleep(1500 * time.Millisecond) // the others look once a second
		}
	}
}

// all sends r to every server and answers as the last one did.
func (f *front) all(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	for i, node := range f.nodes {
		res, err := ask(r, node, r.URL.RawQuery, body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		if i == len(f.nodes)-1 {
			w.WriteHeader(res.status)
			_, _ = w.Write(res.body) // the test is gone.
		}
	}
}

// messages shows the inboxes of all servers as one, newest first.
func (f *front) messages(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	wait, _ := time.ParseDuration(query.Get("wait")) // none
	query.Del("wait")
	ctx, cancel := context.WithTimeout(r.Context(), wait)
	defer cancel()
	for {
		all := []json.RawMessage{}
		for _, node := range f.nodes {
			res, err := ask(r, node, query.Encode(), nil)
			var some []json.RawMessage
			if err != nil || json.Unmarshal(res.body, &some) != nil {
				http.Error(w, "no inbox", http.StatusBadGateway)
				return
			}
			all = append(all, some...)
		}
		if len(all) > 0 || ctx.Err() != nil {
			slices.SortStableFunc(all, func(a, b json.RawMessage) int { return created(b).Compare(created(a)) })
			_ = json.NewEncoder(w).Encode(all) // the test is gone.
			return
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
		}
	}
}

func created(message json.RawMessage) time.Time {
	var m struct {
		CreatedAt time.Time `json:"createdAt"`
	}
	_ = json.Unmarshal(message, &m) // then it is an old one.
	return m.CreatedAt
}

type asked struct {
	status int
	body   []byte
}

// ask puts the question of r to one server.
func ask(r *http.Request, node *url.URL, query string, body []byte) (asked, error) {
	to := *node
	to.Path, to.RawQuery = r.URL.Path, query
	req, err := http.NewRequestWithContext(r.Context(), r.Method, to.String(), strings.NewReader(string(body)))
	if err != nil {
		return asked{}, err
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return asked{}, err
	}
	defer func() { _ = res.Body.Close() }()
	answer, err := io.ReadAll(res.Body)
	return asked{res.StatusCode, answer}, err
}
