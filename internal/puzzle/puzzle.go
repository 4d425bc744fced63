// Package puzzle owns the drivers that ask a vendor whether a person solved its captcha.
// It shows nothing and decides nothing: who has to solve one, and what that is worth, is
// the caller's.
package puzzle

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/tigertally/tigertally/internal/driver"
	"github.com/tigertally/tigertally/internal/errs"
)

// Solution is what the vendor's widget gave a person.
type Solution struct {
	Response string // token, ticket or verify param, as it was
	Random   string // what Tencent gives beside the ticket
	IP       string // of the person, as vendors want to compare it
}

// Verifier asks one vendor. A solution is good once, whatever comes of it.
type Verifier interface {
	// Verify returns nil when the vendor vouches for the solution, and nothing else
	// counts: what cannot be asked or understood is no.
	//
	// Errors: CaptchaWrong when the vendor said no, Unavailable when it could not be
	// asked. Neither names the solution.
	Verify(ctx context.Context, s Solution) error
}

// Drivers lists every driver. A new vendor is a file and a line here.
func Drivers() []driver.Kind[Verifier] {
	return []driver.Kind[Verifier]{
		{Name: turnstileName, Doc: "Cloudflare Turnstile.", Options: turnstileOptions(), Open: newTurnstile},
		{Name: hcaptchaName, Doc: "hCaptcha.", Options: hcaptchaOptions(), Open: newHCaptcha},
		{Name: tencentName, Doc: "Tencent Cloud captcha.", Options: tencentOptions(), Open: newTencent},
		{Name: aliyunName, Doc: "Aliyun captcha 2.0.", Options: aliyunOptions(), Open: newAliyun},
	}
}

// New makes the driver called name from its settings.
func New(name string, set map[string]string, now func() time.Time) (Verifier, error) {
	return driver.Open("captcha", Drivers(), name, set, now)
}

const (
	callTimeout = 2500 * time.Millisecond
	maxResponse = 8 << 10
)

// vendor is what the drivers share: where to ask, and with what.
type vendor struct {
	name, base string

	client *http.Client
}

func open(name, production string, set map[string]string, now func() time.Time) (vendor, error) {
	v := vendor{name: name, base: strings.TrimRight(set["base"], "/")}
	if v.base == "" {
		v.base = production
	}
	var err error
	if v.client, err = driver.Fixed(v.base, set["allow"], callTimeout, now); err != nil {
		return v, fmt.Errorf("captcha %s base %w", name, err)
	}
	return v, nil
}

func options(production string, own ...driver.Option) []driver.Option {
	return append(own,
		driver.Option{Name: "base", Doc: "Address of the service. Empty: " + production + "."},
		driver.Option{Name: "allow", Doc: "Addresses or ranges that may be dialled although they are not on the internet."},
	)
}

// plausible refuses what no widget makes before anybody is asked.
func plausible(s Solution, most int) error {
	if s.Response == "" || len(s.Response) > most || len(s.Random) > most {
		return wrong("no_solution", "no solution")
	}
	return nil
}

// wrong refuses a solution; reason is one word for the audit record.
func wrong(reason, why string) error {
	return errs.New(errs.CaptchaWrong, "reason", reason).Because(errors.New(why))
}

func (v vendor) unavailable(err error) error {
	return errs.New(errs.Unavailable).Because(fmt.Errorf("captcha %s: %w", v.name, err))
}

// ask returns the body of a 200. Nothing is asked twice: the solution may be used up.
func (v vendor) ask(req *http.Request) ([]byte, error) {
	answer, err := driver.Do(v.client, req)
	if err != nil {
		return nil, v.unavailable(err)
	}
	if answer.Status != http.StatusOK {
		return nil, v.unavailable(fmt.Errorf("answered %d", answer.Status))
	}
	return answer.Body, nil
}
