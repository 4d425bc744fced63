package callback_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/tigertally/tigertally/internal/callback"
	"github.com/tigertally/tigertally/internal/driver"
)

// vendor takes bodies that are vendor ids, one a line, and refuses "forged".
type vendor struct{ called string }

func (v *vendor) Reports(called string, _ http.Header, body []byte) (all []driver.Report, err error) {
	v.called = called
	if string(body) == "forged" {
		return nil, errors.New("not the vendor's")
	}
	for id := range strings.Lines(string(body)) {
		all = append(all, driver.Report{VendorID: strings.TrimSpace(id), Outcome: driver.Delivered})
	}
	return all, nil
}

func (v *vendor) Answer() (contentType, body string) { return "application/json", `{"result":0}` }

// ledger knows one message of one driver.
type ledger struct {
	marked int
	fail   error
}

func (*ledger) Token(name string) string { return "secret-of-" + name }

func (l *ledger) Report(_ context.Context, name string, reports []driver.Report) (changed int, err error) {
	for _, r := range reports {
		if name == "tencent" && r.VendorID == "known" {
			changed++
		}
	}
	l.marked += changed
	return changed, l.fail
}

// M6: a report is noted; what is forged or about nobody's message is accepted silently.
func TestM6CallersLearnNothing(t *testing.T) {
	v, l := &vendor{}, &ledger{}
	mux := http.NewServeMux()
	mux.Handle("POST "+callback.Path+"{token}", callback.New(callback.Options{
		Reporters: map[string]callback.Reporter{"tencent": v}, Deliveries: l,
		PublicURL: "https://auth.example.com", NotFound: http.NotFoundHandler(), Logger: slog.New(slog.DiscardHandler),
	}))
	for _, tt := range []struct {
		name, path, body string
		fail             error
		status, marked   int
	}{
		{"a report", "secret-of-tencent?x=1", "known\n", nil, 200, 1},
		{"an unknown message", "secret-of-tencent", "who\n", nil, 200, 1},
		{"forged", "secret-of-tencent", "forged", nil, 200, 1},
		{"another driver's address", "secret-of-aliyun", "known\n", nil, 404, 1},
		{"a guess", "guess", "known\n", nil, 404, 1},
		{"too long", "secret-of-tencent", strings.Repeat("x", 2<<20), nil, 413, 1},
		{"the storage is away", "secret-of-tencent", "known\n", errors.New("away"), 503, 2},
	} {
		l.fail = tt.fail
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, callback.Path+tt.path, strings.NewReader(tt.body)))
		if w.Code != tt.status || l.marked != tt.marked {
			t.Errorf("%s: status %d, %d marked", tt.name, w.Code, l.marked)
		}
		if body, err := io.ReadAll(w.Body); tt.status == 200 && string(body) != `{"result":0}` {
			t.Errorf("%s: answered %q, %v", tt.name, body, err)
		}
	}
	if got := callback.Address("https://auth.example.com", l, "tencent"); got != "https://auth.example.com/callbacks/secret-of-tencent" {
		t.Error(got)
	}
	if !strings.HasPrefix(v.called, "https://auth.example.com/callbacks/secret-of-tencent") {
		t.Errorf("read as a call of %s", v.called)
	}
}
