package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tigertally/tigertally/api"
	"github.com/tigertally/tigertally/internal/app"
	admins "github.com/tigertally/tigertally/internal/operator"
	protocol "github.com/tigertally/tigertally/internal/protocol/manage"
)

// manageFlags say which server an operation is done on: a running one by its address and
// an API key, or the files of one that is not running.
type manageFlags struct {
	storeFlags

	server  string
	keyFile string
	json    bool
	pool    string
}

func (f *manageFlags) add(c *cobra.Command) {
	f.storeFlags.add(c)
	flags := c.PersistentFlags()
	flags.StringVar(&f.server, "server", "", "`URL` of a running server ($TIGERTALLY_SERVER); without it the files of a server that is not running are opened")
	flags.StringVar(&f.keyFile, "key-file", "", "`FILE` with an API key ($TIGERTALLY_KEY is one)")
	flags.BoolVar(&f.json, "json", false, "print the answer as JSON")
	flags.StringVar(&f.pool, "pool", app.DevPool, "`ID` of the pool ($TIGERTALLY_POOL)")
}

// environment fills in what the environment says and the command line does not.
func (f *manageFlags) environment(p Process, c *cobra.Command) {
	if v, ok := p.LookupEnv("TIGERTALLY_SERVER"); ok && f.server == "" && f.data == "" && f.config == "" {
		f.server = v
	}
	if v, ok := p.LookupEnv("TIGERTALLY_POOL"); ok && !c.Flags().Changed("pool") {
		f.pool = v
	}
}

// doer does one request of the management API.
type doer func(*http.Request) (*http.Response, error)

// withManage connects to the server the flags name, for one command.
func withManage(c *cobra.Command, p Process, f *manageFlags, run func(doer) error) (err error) {
	f.environment(p, c)
	if f.server != "" {
		do, err := f.remote(p)
		if err != nil {
			return err
		}
		return run(do)
	}
	conf, err := f.load(p)
	if err != nil {
		return err
	}
	a, err := app.Open(c.Context(), app.Options{Config: conf, Logger: slog.New(slog.DiscardHandler), Worker: p.Worker})
	if err != nil {
		return fmt.Errorf("%w (is the server running? then name it with --server)", err)
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	return run(func(r *http.Request) (*http.Response, error) {
		w := &memory{header: http.Header{}, status: http.StatusOK}
		r.RemoteAddr = "127.0.0.1:0"
		a.Handler().ServeHTTP(w, r.WithContext(protocol.WithPrincipal(r.Context(), admins.Local("cli"))))
		return &http.Response{
			StatusCode: w.status, Status: http.StatusText(w.status), Header: w.header, Body: io.NopCloser(&w.body),
		}, nil
	})
}

// memory takes an answer of a server in this process.
type memory struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (m *memory) Header() http.Header         { return m.header }
func (m *memory) WriteHeader(status int)      { m.status = status }
func (m *memory) Write(p []byte) (int, error) { return m.body.Write(p) }

// remote is a server elsewhere.
func (f *manageFlags) remote(p Process) (doer, error) {
	base, err := url.Parse(f.server)
	if err != nil || base.Host == "" {
		return nil, usageError{fmt.Errorf("--server %q is not a URL", f.server)}
	}
	key, _ := p.LookupEnv("TIGERTALLY_KEY")
	if f.keyFile != "" {
		text, err := readFile(p, f.keyFile)
		if err != nil {
			return nil, err
		}
		key = strings.TrimSpace(string(text))
	}
	if key == "" {
		return nil, usageError{errors.New("an API key is needed: --key-file or $TIGERTALLY_KEY")}
	}
	client := &http.Client{Timeout: 10 * time.Minute}
	return func(r *http.Request) (*http.Response, error) {
		r.URL.Scheme, r.URL.Host, r.Host = base.Scheme, base.Host, base.Host
		r.Header.Set("Authorization", "Bearer "+key)
		return client.Do(r)
	}, nil
}

// call does one operation and returns the body of the answer. A refusal is the error that
// its problem tells.
func call(ctx context.Context, do doer, method, path string, query url.Values, header http.Header, body []byte) ([]byte, error) {
	target := protocol.Prefix + path
	if len(query) > 0 {
		target += "?" + query.Encode()
	}
	r, err := http.NewRequestWithContext(ctx, method, "http://localhost"+target, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Accept-Language", "en")
	maps.Copy(r.Header, header)
	if len(body) > 0 {
		r.Header.Set("Content-Type", "application/json")
	}
	answer, err := do(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close() //nolint:errcheck // it was read
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode < 300 {
		return text, nil
	}
	var problem api.Problem
	if json.Unmarshal(text, &problem) != nil || problem.Code == "" {
		return nil, fmt.Errorf("the server answered %s", answer.Status)
	}
	return nil, fmt.Errorf("%s (%s)", strings.TrimSuffix(problem.Title, "."), problem.Code)
}
