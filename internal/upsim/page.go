package upsim

import (
	"embed"
	"html"
	"io/fs"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// The pages are files because their text is not in English only. A word in double braces is
// replaced; what strangers sent is escaped.
//
//go:embed page
var pages embed.FS

// pagePolicy names no form-action: a form of the page ends at the app's own address, by
// a redirect that such a rule would stop.
const pagePolicy = "default-src 'none'; style-src 'self'; script-src 'self'; base-uri 'none'; frame-ancestors *"

func guardPage(h http.Header) {
	h.Set("Content-Security-Policy", pagePolicy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
}

// pageFiles serves the style of the pages.
func pageFiles() http.Handler {
	sub, err := fs.Sub(pages, "page")
	if err != nil { // only for a malformed name, which "page" is not
		return http.NotFoundHandler()
	}
	return http.StripPrefix("/_page/", http.FileServerFS(sub))
}

// render fills a page in the reader's language. Values are escaped, except those whose
// name begins with "html".
func render(x *exchange, status int, name string, values map[string]string) answer {
	lang := "en"
	if l := strings.ToLower(x.req.Header.Get("Accept-Language")); strings.HasPrefix(l, "zh") || x.query.Get("lang") == "zh_CN" {
		lang = "zh"
	}
	text, err := pages.ReadFile("page/" + name + "." + lang + ".html")
	if err != nil {
		return notFound(x)
	}
	var pairs []string
	for key, value := range values {
		if key == "vendor" {
			value = vendorIn(lang, value)
		}
		if !strings.HasPrefix(key, "html") {
			value = html.EscapeString(value)
		}
		pairs = append(pairs, "{{"+key+"}}", value)
	}
	return answer{status: status, kind: kindHTML, body: []byte(strings.NewReplacer(pairs...).Replace(string(text)))}
}

// vendorIn is what people who read lang call a vendor.
func vendorIn(lang, name string) string {
	names, err := pages.ReadFile("page/vendors." + lang + ".txt")
	if err != nil { // they call it as we do
		return name
	}
	for line := range strings.Lines(string(names)) {
		if ours, theirs, ok := strings.Cut(line, " = "); ok && ours == name {
			return strings.TrimSpace(theirs)
		}
	}
	return name
}

func consentPage(x *exchange, c consent, users []User) answer {
	title := c.title
	if title == "" {
		title = c.owner
	}
	var kept, buttons strings.Builder
	for _, name := range slices.Sorted(maps.Keys(x.query)) {
		kept.WriteString(hidden(x.query, name))
	}
	for _, u := range users {
		number := u.e164()
		if number == "" {
			number = "—"
		}
		initial := string([]rune(u.Nickname + "?")[:1])
		buttons.WriteString(`<li><button name="sim_user" value="` + html.EscapeString(u.Subject) + `"><span class="face" aria-hidden="true">` +
			html.EscapeString(initial) + `</span><span class="who"><b>` + html.EscapeString(u.Nickname) + `</b><small>` +
			html.EscapeString(u.Subject) + ` · ` + html.EscapeString(number) + "</small></span></button></li>\n")
	}
	return render(x, http.StatusOK, nameOr(c.page, "consent"), map[string]string{
		"app": title, "vendor": c.vendor, "owner": c.owner, "scope": c.scope, "to": x.query.Get("redirect_uri"),
		"htmlKept": kept.String(), "htmlPeople": buttons.String(),
	})
}

// hidden keeps a parameter of the page's address in its forms.
func hidden(q url.Values, name string) string {
	if strings.HasPrefix(name, "sim_") {
		return ""
	}
	return `<input type="hidden" name="` + html.EscapeString(name) + `" value="` + html.EscapeString(q.Get(name)) + `">` + "\n"
}

// pageError is what a person sees when the app's link is wrong. It leads nowhere.
func pageError(x *exchange, code, field string) answer {
	return render(x, http.StatusBadRequest, "error", map[string]string{"code": code, "field": field}).as("page_" + code)
}
