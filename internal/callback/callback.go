// Package callback owns the addresses vendors report deliveries to. An address is a
// secret of its own, for most vendors sign nothing. Whoever calls learns nothing: a report
// that is forged, about somebody else's message or about none gets the answer of a good one.
package callback

import (
	"context"
	"io"
	"log/slog"
	"net/http"

	"github.com/tigertally/tigertally/internal/driver"
	"github.com/tigertally/tigertally/internal/secret"
)

// Path is where the addresses begin.
const Path = "/callbacks/"

const maxBody = 1 << 20

// Reporter reads one vendor's reports.
type Reporter interface {
	Reports(called string, header http.Header, body []byte) ([]driver.Report, error)
	Answer() (contentType, body string)
}

// Deliveries notes what became of messages.
type Deliveries interface {
	Token(driver string) string
	Report(ctx context.Context, driver string, reports []driver.Report) (changed int, err error)
}

// Options configure a Callback.
type Options struct {
	Reporters map[string]Reporter // by driver
	// Others finds a driver that is not among Reporters by what is true of its name; nil
	// when there are no others.
	Others     func(ctx context.Context, is func(name string) bool) (string, Reporter)
	Deliveries Deliveries
	PublicURL  string       // vendors sign the address they called
	NotFound   http.Handler // answers addresses that are nobody's
	Logger     *slog.Logger
}

// Callback serves the addresses.
type Callback struct{ o Options }

// New makes the edge.
func New(o Options) *Callback { return &Callback{o} }

// Address is where a driver's vendor reports to.
func Address(publicURL string, d Deliveries, name string) string {
	return publicURL + Path + d.Token(name)
}

// ServeHTTP notes the reports of one call.
func (c *Callback) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name, reporter := c.find(r.Context(), r.PathValue("token"))
	if reporter == nil {
		c.o.NotFound.ServeHTTP(w, r)
		return
	}
	log := c.o.Logger.With(slog.String("driver", name))
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		log.InfoContext(r.Context(), "delivery report could not be read")
		w.WriteHeader(http.StatusRequestEntityTooLarge)
		return
	}
	reports, err := reporter.Reports(c.o.PublicURL+r.URL.RequestURI(), r.Header, body)
	if err != nil {
		log.InfoContext(r.Context(), "delivery report ignored", slog.Any("err", err))
	} else if changed, err := c.o.Deliveries.Report(r.Context(), name, reports); err != nil {
		// The vendor comes again when it hears that we could not.
		log.ErrorContext(r.Context(), "delivery report lost", slog.Any("err", err))
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	} else if changed < len(reports) {
		log.InfoContext(r.Context(), "delivery reports about other messages", slog.Int("ignored", len(reports)-changed))
	}
	contentType, text := reporter.Answer()
	w.Header().Set("Content-Type", contentType)
	_, _ = io.WriteString(w, text)
}

func (c *Callback) find(ctx context.Context, token string) (string, Reporter) {
	called := func(name string) bool {
		return secret.Equal([]byte(token), []byte(c.o.Deliveries.Token(name)))
	}
	for name, reporter := range c.o.Reporters {
		if called(name) {
			return name, reporter
		}
	}
	if c.o.Others == nil {
		return "", nil
	}
	return c.o.Others(ctx, called)
}
