package console

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/tigertally/tigertally/api"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/manage"
)

// keyRoutes are the pages about keys and secrets.
func (c *Console) keyRoutes() []route {
	return []route{
		{method: http.MethodGet, path: "/pools/{pool}/keys", ops: []manage.Op{manage.KeyList, manage.SecretList, manage.TicketKeyList}, handle: showKeys},
		{method: http.MethodPost, path: "/pools/{pool}/keys", ops: []manage.Op{
			manage.KeyRotate, manage.KeyRevoke, manage.SecretCreate, manage.SecretRevoke, manage.TicketKeyCreate, manage.TicketKeyRevoke,
		}, handle: changeKeys},
	}
}

func showKeys(ctx context.Context, p *page) error { return p.keysPage(ctx, "") }

// keysPage shows all keys, with a secret that was made just now.
func (p *page) keysPage(ctx context.Context, secret string) error {
	signing, err := p.c.Manage.SigningKeys(ctx, p.who, p.poolRef())
	if err != nil {
		return err
	}
	secrets, err := p.c.Manage.Secrets(ctx, p.who, p.poolRef())
	if err != nil {
		return err
	}
	tickets, err := p.c.Manage.TicketKeys(ctx, p.who, p.poolRef())
	if err != nil {
		return err
	}
	return p.show(ctx, "menu_keys", keysPage(p, signing.Items, secrets.Items, tickets.Items, secret))
}

func changeKeys(ctx context.Context, p *page) error {
	m, f := p.c.Manage, p.r.PostForm
	ref := api.PoolSecretRef{PoolRef: p.poolRef(), ID: f.Get("id")}
	var err error
	var made string
	switch f.Get("do") {
	case "rotate":
		_, err = m.RotateKeys(ctx, p.who, api.RotateKeys{PoolRef: p.poolRef()})
	case "rotate_now":
		_, err = m.RotateKeys(ctx, p.who, api.RotateKeys{PoolRef: p.poolRef(), Now: true})
	case "revoke_key":
		_, err = m.RevokeKey(ctx, p.who, api.SigningKeyRef{PoolRef: p.poolRef(), Key: f.Get("id")})
	case "new_secret":
		var s api.Secret
		s, err = m.CreateSecret(ctx, p.who, p.poolRef())
		made = s.Secret
	case "revoke_secret":
		_, err = m.RevokeSecret(ctx, p.who, ref)
	case "new_ticket":
		var file api.TicketKeyFile
		if file, err = m.CreateTicketKey(ctx, p.who, p.poolRef()); err == nil {
			var text []byte
			text, err = json.MarshalIndent(file, "", "  ") //nolint:gosec // the private key is what was asked for
			made = string(text)
		}
	case "revoke_ticket":
		_, err = m.RevokeTicketKey(ctx, p.who, ref)
	default:
		err = errs.New(errs.BadRequest, "field", "do")
	}
	switch {
	case err != nil:
		if err := p.refuse(err); err != nil {
			return err
		}
	case made == "":
		return p.done(p.link("keys"), "saved")
	}
	return p.keysPage(ctx, made)
}
