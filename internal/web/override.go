package web

import "net/http"

// MethodOverride serves a POST with X-HTTP-Method-Override as the method named there.
// Hosts that know only GET and POST, such as mini-programs, send PATCH like this.
func MethodOverride(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			switch m := first(r.Header, "X-Http-Method-Override"); m {
			case http.MethodPut, http.MethodPatch, http.MethodDelete:
				clone := *r
				clone.Method = m
				r = &clone
			}
		}
		next.ServeHTTP(w, r)
	})
}
