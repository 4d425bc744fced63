package authing

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// Version of this client, sent as x-authing-sdk-version.
const Version = "1.0.0"

const (
	maxAnswer = 4 << 20 // bytes of an answer the client reads
	attempts  = 3       // of a request that may be repeated
	pause     = 200 * time.Millisecond
	success   = Code(http.StatusOK)
)

// request is one call of the API.
type request struct {
	method, path string
	query        url.Values
	body         any            // nil for none
	bearer       string         // "" for none
	cookies      []*http.Cookie // of the picture that was read
	// repeatable is set for calls that do no harm twice. Others are repeated only if
	// they surely never left this machine.
	repeatable bool
}

func (r request) endpoint() string { return r.method + " " + r.path }

// answer is what came back.
type answer struct {
	status   int
	header   http.Header
	raw      []byte
	attempts int
}

// send asks and returns the data of a success, or an *Error.
func (c *AuthClient) send(ctx context.Context, r request) (json.RawMessage, error) {
	a, err := c.exchange(ctx, r)
	if err != nil {
		return nil, err
	}
	return a.open(r)
}

// exchange sends r, again if that is safe and the first answer was lost.
func (c *AuthClient) exchange(ctx context.Context, r request) (answer, error) {
	var body []byte
	if r.body != nil {
		var err error
		if body, err = json.Marshal(r.body); err != nil {
			return answer{}, fmt.Errorf("authing: %s: %w", r.endpoint(), err)
		}
	}
	wait := pause
	for n := 1; ; n++ {
		a, err := c.once(ctx, r, body)
		a.attempts = n
		if n == attempts || ctx.Err() != nil || !again(r, a, err) {
			return a, err
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return a, err
		}
		wait *= 3
	}
}

// again reports whether r should be sent once more.
func again(r request, a answer, err error) bool {
	if err != nil {
		dialed, ok := errors.AsType[*net.OpError](err)
		return r.repeatable || ok && dialed.Op == "dial"
	}
	switch a.status {
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return r.repeatable
	}
	return false
}

// once sends r and reads the answer.
func (c *AuthClient) once(ctx context.Context, r request, body []byte) (answer, error) {
	target := *c.base
	target.Path += r.path
	target.RawQuery = r.query.Encode()
	content := io.Reader(http.NoBody)
	if body != nil {
		content = bytes.NewReader(body)
	}
	req, err := http.NewRequestWithContext(ctx, r.method, target.String(), content)
	if err != nil {
		return answer{}, fmt.Errorf("authing: %s: %w", r.endpoint(), err)
	}
	c.sign(req, r)
	began := c.now()
	res, err := c.http.Do(req)
	if err != nil {
		return answer{}, fmt.Errorf("authing: %s: %w", r.endpoint(), err)
	}
	defer func() { _ = res.Body.Close() }() // all of it is read
	raw, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	if err == nil && len(raw) > maxAnswer {
		err = errors.New("the answer is too long")
	}
	if err != nil {
		return answer{}, fmt.Errorf("authing: %s: %w", r.endpoint(), err)
	}
	a := answer{status: res.StatusCode, header: res.Header, raw: raw}
	c.log.LogAttrs(ctx, slog.LevelDebug, "authing request", slog.String("method", r.method), slog.String("path", r.path),
		slog.Int("status", a.status), slog.Int("code", int(a.code())), slog.Duration("duration", c.now().Sub(began)))
	return a, nil
}

// sign writes the headers the API knows applications by.
func (c *AuthClient) sign(req *http.Request, r request) {
	h := req.Header
	h.Set("Accept", "application/json")
	if r.body != nil {
		h.Set("Content-Type", "application/json")
	}
	h.Set("X-Authing-App-Id", c.appID)
	if c.poolID != "" {
		h.Set("X-Authing-Userpool-Id", c.poolID)
	}
	h.Set("X-Authing-Request-From", "sdk")
	h.Set("X-Authing-Sdk-Version", "go:"+Version)
	h.Set("X-Authing-Lang", c.lang)
	if r.bearer != "" {
		h.Set("Authorization", "Bearer "+r.bearer)
	}
	for _, cookie := range r.cookies {
		req.AddCookie(cookie)
	}
}

// envelope is the form of every answer. Older servers write code; newer ones write
// statusCode and, for refusals, apiCode.
type envelope struct {
	Code       json.RawMessage `json:"code"`
	APICode    json.RawMessage `json:"apiCode"`
	StatusCode json.RawMessage `json:"statusCode"`
	Message    string          `json:"message"`
	Data       json.RawMessage `json:"data"`
}

// code is the number of an envelope, 0 when it has none.
func (e envelope) code() Code {
	for _, raw := range []json.RawMessage{e.Code, e.APICode, e.StatusCode} {
		if n, err := strconv.Atoi(string(bytes.Trim(raw, `"`))); err == nil {
			return Code(n)
		}
	}
	return 0
}

func (a answer) code() Code {
	var e envelope
	if json.Unmarshal(a.raw, &e) != nil {
		return 0
	}
	return e.code()
}

// open returns the data of a success.
func (a answer) open(r request) (json.RawMessage, error) {
	refused := &Error{HTTPStatus: a.status, Endpoint: r.endpoint()}
	var e envelope
	if err := json.Unmarshal(a.raw, &e); err != nil {
		if a.status == http.StatusOK {
			refused.Message = "the answer is not of this API"
		}
		return nil, refused
	}
	code := e.code()
	if code == success {
		return e.Data, nil
	}
	refused.Code, refused.Message = code, e.Message
	if code == 0 && e.Message == "" && a.status == http.StatusOK {
		refused.Message = "the answer has no code"
	}
	if len(e.Data) > 0 && string(e.Data) != "null" {
		refused.Data = e.Data
	}
	return nil, refused
}
