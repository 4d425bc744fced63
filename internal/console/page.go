package console

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/a-h/templ"

	"github.com/tigertally/tigertally/api"
	"github.com/tigertally/tigertally/internal/caller"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/i18n"
	"github.com/tigertally/tigertally/internal/manage"
	"github.com/tigertally/tigertally/internal/operator"
	"github.com/tigertally/tigertally/internal/web"
)

// page is one request and what every page shows around its content.
type page struct {
	c *Console
	w http.ResponseWriter
	r *http.Request

	lang  string
	theme string // "light", "dark" or "" for the browser's
	title string // key of the words
	now   time.Time

	token string             // of the session, or the development key
	guest string             // secret of a browser without a session
	who   operator.Principal // zero when nobody is signed in
	step  operator.Step

	pools []api.Pool
	pool  api.Pool // that the page is about; zero for the installation

	problem string // what went wrong, in the reader's language
	notice  string // what was done
}

// callerOf is what is known of who sent a request.
func callerOf(ctx context.Context) caller.Info { return caller.From(ctx) }

func (c *Console) newPage(w http.ResponseWriter, r *http.Request) (*page, error) {
	p := &page{c: c, w: w, r: r, now: c.Now(), lang: callerOf(r.Context()).Lang}
	if p.lang == "" {
		p.lang = i18n.Chinese
	}
	if v := cookieValue(r, langCookie); slices.Contains(i18n.Languages(), v) {
		p.lang = v
	}
	if v := cookieValue(r, themeCookie); v == "light" || v == "dark" {
		p.theme = v
	}
	p.notice = p.flash()
	return p, p.identify()
}

// say returns a text with its parameters, name and value in turn. A key without words is
// shown itself, which a test finds.
func (p *page) say(key string, params ...string) string {
	filled := make(map[string]string, len(params)/2)
	for i := 0; i+1 < len(params); i += 2 {
		filled[params[i]] = params[i+1]
	}
	words, ok := p.c.words[p.lang].Lookup(key, filled)
	if !ok {
		return key
	}
	return words
}

// said is say for words of which there may be none: it returns the key's last part then.
func (p *page) said(prefix, name string) string {
	if words, ok := p.c.words[p.lang].Lookup(prefix+name, nil); ok {
		return words
	}
	return name
}

// may reports whether op would not be refused for who looks at the page.
func (p *page) may(op manage.Op) bool {
	return p.c.Manage.Allowed(p.who, op, p.pool.ID) || p.c.Manage.Allowed(p.who, op, "")
}

// show answers with a whole page whose content is body. title is a key of the words.
func (p *page) show(ctx context.Context, title string, body templ.Component) error {
	p.title = title
	return p.write(ctx, http.StatusOK, document(p, body))
}

func (p *page) write(ctx context.Context, status int, body templ.Component) error {
	var b strings.Builder
	if err := body.Render(ctx, &b); err != nil {
		return err
	}
	h := p.w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", policy)
	h.Set("Referrer-Policy", "same-origin") // the way back from a page that asks for proof
	p.w.WriteHeader(status)
	_, err := p.w.Write([]byte(b.String()))
	return err
}

// policy lets pages load nothing but our own files (WB-03). There is no inline script or
// style, and no script may write markup but through the policy of console.js.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; frame-src 'self'; " +
	"form-action 'self'; frame-ancestors 'none'; base-uri 'none'; require-trusted-types-for 'script'; trusted-types tigertally"

// redirect sends the browser to a page below Prefix, or to another of our own.
func (p *page) redirect(path string) error {
	p.w.Header().Set("Cache-Control", "no-store")
	http.Redirect(p.w, p.r, path, http.StatusSeeOther) //nolint:gosec // ours, or held against ours() where it came from outside
	return nil
}

// done sends the browser to a page that says what was done; notice is a key of the words.
func (p *page) done(path, notice string, params ...string) error {
	p.setFlash(p.say(notice, params...))
	return p.redirect(path)
}

// link is the address of a page about the pool.
func (p *page) link(parts ...string) string {
	return p.global(append([]string{"pools", p.pool.ID}, parts...)...)
}

// global is the address of a page about the installation.
func (p *page) global(parts ...string) string {
	var b strings.Builder
	b.WriteString(Prefix)
	for _, part := range parts {
		b.WriteString("/" + url.PathEscape(part))
	}
	return b.String()
}

// choosePool finds the pool that the path names, and those to choose from.
func (p *page) choosePool(ctx context.Context) error {
	list, err := p.c.Manage.Pools(ctx, p.who, api.None{})
	if err != nil && errs.CodeOf(err) != errs.PermissionDenied {
		return err
	}
	p.pools = list.Items
	id := p.r.PathValue("pool")
	if id == "" {
		return nil
	}
	i := slices.IndexFunc(p.pools, func(v api.Pool) bool { return v.ID == id })
	if i < 0 {
		return errs.New(errs.PoolNotFound)
	}
	p.pool = p.pools[i]
	return nil
}

// answer lets handle answer. What it refuses for want of fresh proof leads to the page
// that asks for it.
func (p *page) answer(ctx context.Context, handle func(context.Context, *page) error) error {
	err := handle(ctx, p)
	if errs.CodeOf(err) == errs.SudoRequired && p.who.Kind == operator.KindOperator {
		back := p.r.URL.RequestURI()
		if p.r.Method == http.MethodPost {
			back = p.referer()
		}
		return p.redirect(p.global("sudo") + "?" + url.Values{"back": {back}}.Encode())
	}
	return err
}

// refuse turns a refusal into words for the page it is shown on; anything that is our own
// fault stays an error.
func (p *page) refuse(err error) error {
	e := errs.From(err)
	if e == nil {
		return nil
	}
	if k := e.Code.Kind(); k == errs.KindUnexpected || e.Code == errs.SudoRequired {
		return err
	}
	p.problem = i18n.Text(p.lang, e.Code, e.Params)
	if e.Code == errs.BadRequest { // the field's own words say what is wrong with it
		if words, ok := p.c.words[p.lang].Lookup("bad_"+e.Params["field"], nil); ok {
			p.problem = words
		}
	}
	return nil
}

// WriteError answers with a page that says what went wrong.
func (c *Console) WriteError(w http.ResponseWriter, r *http.Request, e *errs.Error) {
	p, err := c.newPage(w, r)
	if err != nil {
		p = &page{c: c, w: w, r: r, lang: i18n.English, now: c.Now()}
	}
	p.title, p.problem = "error", i18n.Text(p.lang, e.Code, e.Params)
	if e.Code == errs.RouteNotFound { // programs have endpoints, people have pages
		p.problem = p.say("no_such_page")
	}
	if p.write(r.Context(), statusOf(e.Code), document(p, failure(p, callerOf(r.Context()).RequestID))) != nil {
		w.WriteHeader(http.StatusInternalServerError)
	}
}

// statusOf is the status of a page about a refusal. A browser can do nothing about 401,
// which asks for a header.
func statusOf(code errs.Code) int {
	if status := web.Status(code.Kind()); status != http.StatusUnauthorized {
		return status
	}
	return http.StatusForbidden
}
