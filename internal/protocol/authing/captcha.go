package authing

import (
	"context"
	"encoding/base64"
	"net/http"
	"strings"

	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/pool"
	"github.com/tigertally/tigertally/internal/web"
)

// captchaCookie says which picture a client was shown. It authenticates nobody.
const captchaCookie = "authing_captcha"

func (p *Protocol) captchaRoutes() []route {
	return []route{get("/api/v2/security/captcha", web.Handle(p, p.captcha))}
}

// captcha draws a picture. One client asks without naming its application, so the picture
// is for any of the pool.
func (p *Protocol) captcha(w http.ResponseWriter, r *http.Request) error {
	c, err := p.pictureClient(r)
	if err != nil {
		return err
	}
	challenge, err := p.captchas.Challenge(r.Context(), c.Pool, "", "")
	if err != nil {
		return err
	}
	_, encoded, _ := strings.Cut(challenge.DataURI, ",")
	picture, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return errs.New(errs.Unexpected).Because(err)
	}
	cookie := http.Cookie{ //nolint:gosec // a development server has no TLS, and nobody is behind the cookie
		Name: captchaCookie, Value: challenge.Token, Path: "/", HttpOnly: true,
		MaxAge: int(challenge.ExpiresIn.Seconds()), SameSite: http.SameSiteLaxMode,
	}
	if strings.HasPrefix(p.url, "https:") { // pages of other origins show it too
		cookie.Secure, cookie.SameSite = true, http.SameSiteNoneMode
	}
	http.SetCookie(w, &cookie)
	h := w.Header()
	h.Set("Content-Type", "image/png")
	h.Set("Cache-Control", "no-store")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	_, _ = w.Write(picture) // the client is gone when this fails
	return nil
}

// pictureClient is the application of a request for a picture.
func (p *Protocol) pictureClient(r *http.Request) (pool.Client, error) {
	f := factsOf(r.Context())
	if id := r.URL.Query().Get("userpool_id"); id != "" && f.app == "" {
		return p.pools.AppOf(r.Context(), id)
	}
	return p.app(r.Context())
}

// captchaToken turns what somebody read in the picture they were shown into the token the
// core asks for. Without a code there is none.
func (p *Protocol) captchaToken(ctx context.Context, c pool.Client, code string) (string, error) {
	shown := factsOf(ctx).captcha
	if code == "" || shown == "" {
		return "", nil
	}
	token, _, err := p.captchas.Answer(ctx, c.Pool, c.ID, shown, code)
	return token, err
}
