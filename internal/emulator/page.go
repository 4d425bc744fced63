package emulator

import (
	"embed"
	"io/fs"
	"net/http"
)

//go:embed page
var files embed.FS

// pagePolicy lets the page load its own files, talk to this server and show a captcha.
const pagePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; " +
	"img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// page serves the page for people, whole and without any other host.
func page() http.Handler {
	sub, err := fs.Sub(files, "page")
	if err != nil {
		// Only a malformed path can fail, and "page" is none.
		return http.NotFoundHandler()
	}
	static := http.StripPrefix("/emulator/", http.FileServerFS(sub))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", pagePolicy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-cache")
		static.ServeHTTP(w, r)
	})
}
