package upsim

import (
	"errors"
	"io"
	"net/http"
)

// controlMore adds the calls about sign-in and mail.
func (s *Server) controlMore(handle func(string, func(*http.Request) (any, error))) {
	handle("GET /_sim/mail", s.readMailbox)
	handle("POST /_sim/bounce", s.bounce)
	handle("PUT /_sim/dkim/{name}", s.putDKIM)
	handle("POST /_sim/oidc/{name}/rotate", s.rotate)
	handle("POST /_sim/tokens", s.mintToken)
	handle("GET /_sim/keys", func(*http.Request) (any, error) { return s.ClientKeys() })
}

func (s *Server) readMailbox(r *http.Request) (any, error) {
	from, err := since(r)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mailSince(r.URL.Query().Get("to"), from), nil
}

func (s *Server) bounce(r *http.Request) (any, error) {
	in, err := read[NewBounce](r)
	if err != nil {
		return nil, err
	}
	return s.Bounce(in)
}

// putDKIM takes the TXT record of a selector and domain as it would stand in the DNS.
func (s *Server) putDKIM(r *http.Request) (any, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, largestRequest))
	if err != nil {
		return nil, err
	}
	if tags, err := dkimTags(string(body)); err != nil || tags["p"] == "" {
		return nil, badRequest{errors.New("the body is no record with a key")}
	}
	s.Edit(func(a *Accounts) { a.DKIM[r.PathValue("name")] = string(body) })
	return object{}, nil
}

func (s *Server) rotate(r *http.Request) (any, error) {
	s.RotateKeys(r.PathValue("name"))
	return object{}, nil
}

func (s *Server) mintToken(r *http.Request) (any, error) {
	in, err := read[NewToken](r)
	if err != nil {
		return nil, err
	}
	token, err := s.MintToken(in)
	return object{"access_token": token}, err
}
