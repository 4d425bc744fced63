package authing

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"

	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/pool"
	"github.com/tigertally/tigertally/internal/qr"
	"github.com/tigertally/tigertally/internal/session"
	"github.com/tigertally/tigertally/internal/signin"
	"github.com/tigertally/tigertally/internal/user"
	"github.com/tigertally/tigertally/internal/web"
)

const (
	screenPath    = "/api/v2/qrcode/image/"
	sceneAppAuth  = "APP_AUTH"
	actionAppAuth = "APP_LOGIN"
)

func (p *Protocol) screenRoutes() []route {
	confirm := bearer(p, nil, p.confirmScreen)
	return []route{
		post("/api/v2/qrcode/gene", public(p, nil, p.openScreen)),
		get(screenPath+"{random}", web.Handle(p, p.drawScreen)),
		get("/api/v2/qrcode/check", public(p, nil, p.checkScreen)),
		post("/api/v2/qrcode/userinfo", public(p, nil, p.loginByScreen)),
		post("/api/v2/qrcode/scanned", bearer(p, nil, p.scanScreen)),
		post("/api/v2/qrcode/confirm", confirm),
		post("/api/v2/qrcode/cancel", bearer(p, nil, p.cancelScreen)),
		post("/api/v3/qrcode-app-login", bearer(p, nil, p.confirmScreenV3)),
	}
}

type openRequest struct {
	Scene   string         `json:"scene"`
	Context requestContext `json:"context"`
}

type openAnswer struct {
	Random     string `json:"random"`
	URL        string `json:"url"` // of a picture
	CustomLogo string `json:"customLogo"`
	ExpiresAt  string `json:"expiresAt"`
}

// openScreen begins a sign-in by QR code. The picture does not show the random the screen
// polls with, so that a photograph of it is no way in.
func (p *Protocol) openScreen(ctx context.Context, c pool.Client, in openRequest) (any, error) {
	if in.Scene != "" && in.Scene != sceneAppAuth {
		return nil, errs.New(errs.NotImplemented)
	}
	shown, err := p.signin.OpenScreen(ctx, c, in.Context.value)
	if err != nil {
		return nil, err
	}
	picture := p.url + screenPath + shown.Code + "?" + url.Values{"app_id": {c.ID}}.Encode()
	return openAnswer{Random: shown.Token, URL: picture, ExpiresAt: stamp(shown.ExpiresAt)}, nil
}

// screenCode is what apps read from the picture.
type screenCode struct {
	Scene      string `json:"scene"`
	Random     string `json:"random"`
	UserPoolID string `json:"userPoolId"`
}

// drawScreen answers with the picture of a code. It draws nothing else.
func (p *Protocol) drawScreen(w http.ResponseWriter, r *http.Request) error {
	code := r.PathValue("random")
	if !qr.IsCode(code) {
		return errs.New(errs.RouteNotFound)
	}
	c, err := p.app(r.Context())
	if err != nil {
		return err
	}
	text, err := json.Marshal(screenCode{sceneAppAuth, code, c.Pool.ID})
	if err != nil {
		return errs.New(errs.Unexpected).Because(err)
	}
	picture, err := qr.Picture(string(text))
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "image/png")
	h.Set("Cache-Control", "no-store")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	_, _ = w.Write(picture) // the client is gone when this fails
	return nil
}

type screenRequest struct {
	Random string `json:"random" query:"random"`
}

type screenAnswer struct {
	Random   string      `json:"random"`
	Status   int         `json:"status"`
	Ticket   string      `json:"ticket,omitempty"`
	UserInfo *screenUser `json:"userInfo,omitempty"`
}

// screenUser is what a screen shows of who scanned it.
type screenUser struct {
	Nickname *string `json:"nickname"`
	Name     *string `json:"name"`
	Photo    *string `json:"photo"`
}

// checkScreen tells a screen how its sign-in stands.
func (p *Protocol) checkScreen(ctx context.Context, c pool.Client, in screenRequest) (any, error) {
	if in.Random == "" {
		return nil, missing("random")
	}
	s, err := p.account.CheckScreen(ctx, c, in.Random)
	if err != nil {
		return nil, err
	}
	out := screenAnswer{Random: in.Random, Status: screenStatus(s.Status), Ticket: s.Ticket}
	if u := s.User; u.ID != "" {
		out.UserInfo = &screenUser{
			Nickname: orNull(u.Attributes[user.AttributeNickname]), Name: orNull(u.Name), Photo: orNull(u.Picture),
		}
	}
	return out, nil
}

func screenStatus(s qr.Status) int {
	switch s {
	case qr.Waiting:
		return 0
	case qr.Scanned:
		return 1
	case qr.Confirmed, qr.Used:
		return 2
	case qr.Cancelled:
		return 3
	case qr.Expired:
	}
	return -1
}

type ticketRequest struct {
	Ticket  string         `json:"ticket"`
	Context requestContext `json:"context"`
}

// loginByScreen signs a screen in.
func (p *Protocol) loginByScreen(ctx context.Context, c pool.Client, in ticketRequest) (any, error) {
	return p.login(ctx, signin.Input{
		Client: c, Method: signin.MethodScreen, Token: in.Ticket, Style: p.style(c), RequestContext: in.Context.value,
	})
}

type scanAnswer struct {
	Random  string `json:"random"`
	Status  int    `json:"status"`
	AppID   string `json:"appId"`
	AppName string `json:"appName"`
}

// scanScreen tells the screen that somebody looks at it, and them which app it is of.
func (p *Protocol) scanScreen(ctx context.Context, who session.Principal, in screenRequest) (any, error) {
	if in.Random == "" {
		return nil, missing("random")
	}
	c, err := p.account.ScanScreen(ctx, who, in.Random)
	if err != nil {
		return nil, err
	}
	return scanAnswer{Random: in.Random, Status: screenStatus(qr.Scanned), AppID: c.ID, AppName: c.App.Name}, nil
}

func (p *Protocol) confirmScreen(ctx context.Context, who session.Principal, in screenRequest) (any, error) {
	if in.Random == "" {
		return nil, missing("random")
	}
	if err := p.account.ConfirmScreen(ctx, who, in.Random); err != nil {
		return nil, err
	}
	return screenAnswer{Random: in.Random, Status: screenStatus(qr.Confirmed)}, nil
}

func (p *Protocol) cancelScreen(ctx context.Context, who session.Principal, in screenRequest) (any, error) {
	if in.Random == "" {
		return nil, missing("random")
	}
	if err := p.account.CancelScreen(ctx, who, in.Random); err != nil {
		return nil, err
	}
	return screenAnswer{Random: in.Random, Status: screenStatus(qr.Cancelled)}, nil
}

type screenRequestV3 struct {
	QRCodeID string `json:"qrcodeId"`
	Action   string `json:"action"`
}

// confirmScreenV3 is confirmScreen in the words of another version.
func (p *Protocol) confirmScreenV3(ctx context.Context, who session.Principal, in screenRequestV3) (any, error) {
	if in.Action != actionAppAuth {
		return nil, errs.New(errs.BadRequest, "field", "action")
	}
	return p.confirmScreen(ctx, who, screenRequest{Random: in.QRCodeID})
}
