package app

import (
	"context"
	"time"

	"github.com/tigertally/tigertally/internal/secret"
	"github.com/tigertally/tigertally/internal/upsim"
)

// UpsimOptions are the addresses of a simulator that runs alone.
type UpsimOptions struct {
	Main, Tencent, Aliyun, TLS, SMTP, SMTPS string
	AnyAddress                              bool // allow addresses that other machines can reach
}

// StartUpsim starts the simulator on the real clock, and returns it with the token of
// its control API, which is another one each time.
func StartUpsim(ctx context.Context, o UpsimOptions) (*upsim.Server, string, error) {
	token := secret.ID()
	s, err := upsim.Start(ctx, upsim.Options{
		Now: time.Now, Token: token, Main: o.Main, Tencent: o.Tencent, Aliyun: o.Aliyun, TLS: o.TLS,
		SMTP: o.SMTP, SMTPS: o.SMTPS, AnyAddress: o.AnyAddress,
	})
	return s, token, err
}
