package provider

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/tigertally/tigertally/internal/driver"
	"github.com/tigertally/tigertally/internal/errs"
)

// get asks for address with query and returns the answer, whatever its status below 500.
func get(ctx context.Context, client *http.Client, address string, query url.Values, header ...string) (driver.Answer, error) {
	if len(query) > 0 {
		address += "?" + query.Encode()
	}
	return send(ctx, client, http.MethodGet, address, "", "", header...)
}

// postForm sends form the same way.
func postForm(ctx context.Context, client *http.Client, address string, form url.Values, header ...string) (driver.Answer, error) {
	return send(ctx, client, http.MethodPost, address, "application/x-www-form-urlencoded", form.Encode(), header...)
}

// postJSON sends v the same way.
func postJSON(ctx context.Context, client *http.Client, address string, v any, header ...string) (driver.Answer, error) {
	body, err := json.Marshal(v)
	if err != nil {
		return driver.Answer{}, err
	}
	return send(ctx, client, http.MethodPost, address, "application/json", string(body), header...)
}

// send does one call. Headers are name, value pairs. Failing to get an answer, a 5xx and a
// redirect are Unavailable.
func send(ctx context.Context, client *http.Client, method, address, kind, body string, header ...string) (driver.Answer, error) {
	req, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(body))
	if err != nil {
		return driver.Answer{}, errs.New(errs.ProviderMisconfigured).Because(errors.New("the address of a provider is malformed"))
	}
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "tigertally")
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	a, err := driver.Do(client, req)
	if err != nil {
		return driver.Answer{}, unavailable(err)
	}
	if a.Status >= http.StatusInternalServerError || a.Status < http.StatusOK || a.Status/100 == 3 {
		return driver.Answer{}, unavailable(fmt.Errorf("%s answered %d", req.URL.Host+req.URL.Path, a.Status))
	}
	return a, nil
}

// decode reads a JSON object whatever the answer calls itself. A body that is none is
// Unavailable: somebody else than the vendor answered.
func decode(a driver.Answer, into any) error {
	if err := json.Unmarshal(bytes.TrimPrefix(a.Body, []byte("\xef\xbb\xbf")), into); err != nil {
		return unavailable(fmt.Errorf("the answer (status %d) is not the JSON expected: %w", a.Status, shape(err)))
	}
	return nil
}

// shape keeps of a JSON error what holds no piece of the body.
func shape(err error) error {
	if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return fmt.Errorf("field %q has another type", e.Field)
	}
	return errors.New("malformed")
}

func unavailable(err error) error { return errs.New(errs.Unavailable).Because(err) }

func misconfigured(format string, args ...any) error {
	return errs.New(errs.ProviderMisconfigured).Because(fmt.Errorf(format, args...))
}

// text is a JSON string, or a number some vendors write in its place.
type text string

// UnmarshalJSON takes both.
func (t *text) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] != '"' {
		var n *json.Number
		if err := json.Unmarshal(b, &n); err != nil {
			return err
		}
		if n != nil {
			*t = text(n.String())
		}
		return nil
	}
	return json.Unmarshal(b, (*string)(t))
}

// number is a JSON integer, or a string of one.
type number int64

// UnmarshalJSON takes both.
func (n *number) UnmarshalJSON(b []byte) error {
	if len(b) > 1 && b[0] == '"' {
		b = b[1 : len(b)-1]
	}
	return json.Unmarshal(b, (*int64)(n))
}

// base returns the address to which a driver appends paths.
func base(set map[string]string, name, production string) (string, error) {
	raw := strings.TrimRight(set[name], "/")
	if raw == "" {
		return production, nil
	}
	if err := driver.CheckURL(raw); err != nil {
		return "", fmt.Errorf("the option %q %w", name, err)
	}
	return raw, nil
}
