package cloudbase

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
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
)

const (
	sdkVersion    = "tigertally-go/1"
	mostAttempts  = 3
	retryInterval = time.Second
	largestAnswer = 4 << 20
)

// who a request is from.
type who int

const (
	public who = iota // the application, named in the query
	basic             // the same, and in a Basic header
	bearer            // the person who is signed in
)

// call is one request of the protocol.
type call struct {
	method, path string // path is "/v1/…" with its query
	who          who
	body         any  // nil for none
	captcha      bool // get a proof that a person is there before the server asks

	id          string // the same in every attempt, so that the server answers once
	credentials *credentials
}

// do sends a request, asking for a proof that a person is there where the server wants
// one, and decodes the answer into out unless it is nil.
func (a *App) do(ctx context.Context, c call, out any) error {
	c.id = newID()
	state, path := c.method+":"+c.path, c.path
	if c.captcha && a.captcha.solve != nil {
		token, err := a.captchaToken(ctx, state, false)
		if err != nil {
			return err
		}
		c.path = withCaptcha(path, token)
	}
	err := a.send(ctx, c, out)
	name := nameOf(err)
	if a.captcha.solve == nil || name != ErrCaptchaRequired && name != ErrCaptchaInvalid {
		return err
	}
	token, err := a.captchaToken(ctx, state, name == ErrCaptchaInvalid)
	if err != nil {
		return err
	}
	c.path = withCaptcha(path, token)
	return a.send(ctx, c, out)
}

func withCaptcha(path, token string) string {
	return path + separator(path) + "captcha_token=" + escape(token)
}

// send sends a request as the person who is signed in, if it is from them. When the
// server says that their access token is worth nothing, the token is replaced and the
// request repeated, once: a clock that went backwards makes a dead token look alive. A
// token that cannot be replaced ends the session.
func (a *App) send(ctx context.Context, c call, out any) error {
	if c.who != bearer {
		return a.attempt(ctx, c, out)
	}
	used, err := a.current(ctx)
	if err != nil {
		return err
	}
	c.credentials = used
	refused := a.attempt(ctx, c, out)
	if nameOf(refused) != ErrUnauthenticated {
		return refused
	}
	if used.RefreshToken != "" {
		next, err := a.refresh(ctx, used, true)
		switch {
		case err == nil:
			c.credentials, used = next, next
			if refused = a.attempt(ctx, c, out); nameOf(refused) != ErrUnauthenticated {
				return refused
			}
		case nameOf(err) != ErrUnauthenticated:
			return err // nobody has said that the session is over
		}
	}
	return errors.Join(refused, a.end(ctx, used, refused))
}

// attempt sends a request, and again when there was no answer or none that makes sense:
// the server knows a request it has answered by its id. Nothing else is repeated.
func (a *App) attempt(ctx context.Context, c call, out any) error {
	var body []byte
	if c.body != nil {
		var err error
		if body, err = encode(c.body); err != nil {
			return err
		}
	}
	for n := 1; ; n++ {
		err := a.once(ctx, c, body, out)
		if nameOf(err) != ErrUnreachable || n == mostAttempts {
			return err
		}
		wait := time.NewTimer(retryInterval)
		select {
		case <-wait.C:
		case <-ctx.Done():
			wait.Stop()
			return unreachable(ctx, nil)
		}
	}
}

func (a *App) once(ctx context.Context, c call, body []byte, out any) error {
	req, err := a.request(ctx, c, body)
	if err != nil {
		return err
	}
	start := a.now()
	status, answer, err := a.exchange(req)
	if err == nil {
		err = read(status, answer, out)
	} else {
		err = unreachable(ctx, strip(err))
	}
	if e, ok := errors.AsType[*Error](err); ok {
		e.Path, e.RequestID, e.Status = req.URL.Path, c.id, status
	}
	a.log.LogAttrs(ctx, slog.LevelDebug, "request", slog.String("method", c.method), slog.String("path", req.URL.Path),
		slog.Int("status", status), slog.String("request_id", c.id), slog.Duration("duration", a.now().Sub(start)),
		slog.String("refused", string(nameOf(err))))
	return err
}

// strip takes the address off an error of the client, for its query may hold a token.
func strip(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}

func (a *App) request(ctx context.Context, c call, body []byte) (*http.Request, error) {
	device, err := a.Device(ctx)
	if err != nil {
		return nil, err
	}
	path := c.path
	if c.who == public || c.who == basic {
		path += separator(path) + "client_id=" + escape(a.clientID)
	}
	req, err := http.NewRequestWithContext(ctx, c.method, a.base+path, nil)
	if err != nil {
		return nil, local("the parameters make no address")
	}
	if body != nil {
		req.ContentLength = int64(len(body))
		req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
		req.Body, _ = req.GetBody()
		// What the JavaScript library sends from browsers and Node.
		req.Header.Set("Content-Type", "text/plain;charset=UTF-8")
	}
	maps.Copy(req.Header, a.header)
	req.Header.Set("X-Request-Id", c.id)
	req.Header.Set("X-Device-Id", device)
	req.Header.Set("X-Sdk-Version", sdkVersion)
	req.Header.Set("Accept-Language", a.lang)
	switch {
	case c.credentials != nil:
		req.Header.Set("Authorization", or(c.credentials.TokenType, "Bearer")+" "+c.credentials.AccessToken)
	case c.who == basic:
		req.Header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(a.clientID+":")))
	}
	return req, nil
}

func (a *App) exchange(req *http.Request) (status int, answer []byte, err error) {
	res, err := a.http.Do(req)
	if err != nil {
		return 0, nil, err
	}
	answer, err = io.ReadAll(io.LimitReader(res.Body, largestAnswer+1))
	if closing := res.Body.Close(); err == nil {
		err = closing
	}
	if err == nil && len(answer) > largestAnswer {
		err = errors.New("the answer is too long")
	}
	return res.StatusCode, answer, err
}

// refusal is the body of an answer that is no success.
type refusal struct {
	Error       word            `json:"error"`
	ErrorCode   integer         `json:"error_code"`
	Description string          `json:"error_description"`
	Code        word            `json:"code"`
	Message     string          `json:"message"`
	RetryAfter  number          `json:"retry_after"`
	Details     json.RawMessage `json:"details"`
}

// read decodes an answer. What is not a JSON object came from somebody in between.
func read(status int, answer []byte, out any) error {
	var r refusal
	if err := json.Unmarshal(answer, &r); err != nil || !bytes.HasPrefix(bytes.TrimSpace(answer), []byte("{")) {
		return &Error{Name: ErrUnreachable, Description: fmt.Sprintf("status %d without a JSON object", status)}
	}
	name := or(string(r.Error), string(r.Code))
	if name == "" && (r.ErrorCode != 0 || status < 200 || status > 299) {
		name = string(ErrUnknown)
	}
	if name != "" {
		return &Error{
			Name: ErrorName(name), Code: int(r.ErrorCode), Description: or(r.Description, r.Message),
			RetryAfter: time.Duration(float64(r.RetryAfter) * float64(time.Second)), Details: r.Details,
		}
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(answer, out); err != nil {
		return &Error{Name: ErrUnknown, Description: "the answer has another form than expected", cause: err}
	}
	return nil
}

// encode writes JSON the way JavaScript does: "<" stays "<".
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, &Error{Name: ErrLocal, Description: "the request cannot be encoded", cause: err}
	}
	return bytes.TrimRight(b.Bytes(), "\n"), nil
}

func separator(path string) string {
	if strings.Contains(path, "?") {
		return "&"
	}
	return "?"
}

// escape is encodeURIComponent.
func escape(s string) string {
	return strings.NewReplacer("+", "%20", "%21", "!", "%27", "'", "%28", "(", "%29", ")", "%2A", "*").Replace(url.QueryEscape(s))
}

// newID returns 128 random bits in hexadecimal, as request and device ids are.
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}
