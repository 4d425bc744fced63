package tigertallytest_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"testing"
)

// post sends a JSON body and returns the status and the answer.
func post(t testing.TB, address string, in any, header ...string) (int, map[string]any) {
	t.Helper()
	raw, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	return do(t, http.MethodPost, address, bytes.NewReader(raw), append(header, "Content-Type", "application/json")...)
}

func get(t testing.TB, address string, header ...string) (int, map[string]any) {
	t.Helper()
	return do(t, http.MethodGet, address, http.NoBody, header...)
}

func do(t testing.TB, method, address string, body io.Reader, header ...string) (int, map[string]any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, address, body)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	var out map[string]any
	_ = json.Unmarshal(raw, &out) // not every answer is an object
	return res.StatusCode, out
}

func text(m map[string]any, name string) string {
	s, _ := m[name].(string)
	return s
}

// failing is a test that is allowed to fail: it keeps what it was told.
type failing struct {
	testing.TB

	said string
}

func (f *failing) Helper() {}

func (f *failing) Fatalf(format string, args ...any) {
	f.said = fmt.Sprintf(format, args...)
	runtime.Goexit()
}

func (f *failing) Fatal(args ...any) {
	f.said = fmt.Sprint(args...)
	runtime.Goexit()
}

// failure runs fn as a test of its own and returns why it failed, "" if it did not.
func failure(t *testing.T, fn func(t testing.TB)) string {
	t.Helper()
	f := &failing{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		fn(f)
	}()
	<-done
	return f.said
}
