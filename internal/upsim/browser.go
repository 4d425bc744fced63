package upsim

import (
	"context"
	"errors"
	"fmt"
	"html"
	"io"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

// Landing is where a browser goes after somebody has agreed.
type Landing struct {
	URL  string     // with code and state, unless they are in Form
	Form url.Values // what a page posts to URL, nil when it is a plain redirect
}

// Get is a value of the landing, wherever it travels.
func (l Landing) Get(name string) string {
	if l.Form != nil {
		return l.Form.Get(name)
	}
	u, err := url.Parse(l.URL)
	if err != nil {
		return ""
	}
	return u.Query().Get(name)
}

// errNoLanding is for addresses that end on a page, which is in the error's text.
var errNoLanding = errors.New("upsim: the vendor shows an error page")

var (
	formPattern  = regexp.MustCompile(`<form method="post" action="([^"]*)"`)
	fieldPattern = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)">`)
)

// Approve visits an authorize page of any vendor as subject does who agrees, with
// faults for the code. It follows nothing.
func (s *Server) Approve(ctx context.Context, address, subject string, faults ...string) (Landing, error) {
	return s.browse(ctx, address, url.Values{"sim_user": {subject}, "sim_flags": {strings.Join(faults, " ")}})
}

// Refuse visits an authorize page as somebody who does not agree.
func (s *Server) Refuse(ctx context.Context, address string) (Landing, error) {
	return s.browse(ctx, address, url.Values{"sim_refuse": {"1"}})
}

func (s *Server) browse(ctx context.Context, address string, more url.Values) (Landing, error) {
	u, err := url.Parse(address)
	if err != nil {
		return Landing{}, fmt.Errorf("upsim: %w", err)
	}
	q := u.Query()
	maps.Copy(q, more)
	u.RawQuery, u.Fragment = q.Encode(), ""
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), http.NoBody)
	if err != nil {
		return Landing{}, fmt.Errorf("upsim: %w", err)
	}
	resp, err := s.callbacks.Do(req)
	if err != nil {
		return Landing{}, fmt.Errorf("upsim: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	if to := resp.Header.Get("Location"); to != "" {
		return Landing{URL: to}, nil
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, largestRequest))
	if err != nil {
		return Landing{}, fmt.Errorf("upsim: %w", err)
	}
	to := formPattern.FindStringSubmatch(string(body))
	if to == nil {
		return Landing{}, fmt.Errorf("%w: %s", errNoLanding, body)
	}
	l := Landing{URL: html.UnescapeString(to[1]), Form: url.Values{}}
	for _, m := range fieldPattern.FindAllStringSubmatch(string(body), -1) {
		l.Form.Set(html.UnescapeString(m[1]), html.UnescapeString(m[2]))
	}
	return l, nil
}
