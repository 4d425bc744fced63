package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"github.com/tigertally/tigertally/internal/app"
	"github.com/tigertally/tigertally/internal/upsim"
)

// The simulator's usual addresses, so that a client's settings can be written down.
const (
	upsimMain    = "127.0.0.1:18081"
	upsimTencent = "127.0.0.1:18082"
	upsimAliyun  = "127.0.0.1:18083"
	upsimTLS     = "127.0.0.1:18443"
	upsimSMTP    = "127.0.0.1:2525"
	upsimSMTPS   = "127.0.0.1:2465"
)

func upsimCommand(p Process) *cobra.Command {
	var o app.UpsimOptions
	c := &cobra.Command{
		Use:   "upsim",
		Short: "Simulate WeChat, SMS vendors and the other services a server calls",
		Long: "Simulate the services that a server calls: WeChat, WeCom, SMS, one-tap and social sign-in, OpenID\n" +
			"Connect, captchas and mail. It verifies every signature as the vendor does, keeps everything in\n" +
			"memory and sends nothing to anybody.",
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			s, token, err := app.StartUpsim(c.Context(), o)
			if err != nil {
				return err
			}
			if err := announceUpsim(p.Stdout, s, token); err != nil {
				return errors.Join(err, s.Close())
			}
			<-c.Context().Done()
			return s.Close()
		},
	}
	f := c.Flags()
	f.StringVar(&o.Main, "listen", upsimMain, "`HOST:PORT` of everything but Tencent Cloud and Aliyun")
	f.StringVar(&o.Tencent, "listen-tencent", upsimTencent, "`HOST:PORT` of Tencent Cloud, which signs the path")
	f.StringVar(&o.Aliyun, "listen-aliyun", upsimAliyun, "`HOST:PORT` of Aliyun, which signs the path")
	f.StringVar(&o.TLS, "listen-tls", upsimTLS, "`HOST:PORT` of --listen's services by HTTPS")
	f.StringVar(&o.SMTP, "listen-smtp", upsimSMTP, "`HOST:PORT` of mail with STARTTLS")
	f.StringVar(&o.SMTPS, "listen-smtps", upsimSMTPS, "`HOST:PORT` of mail over TLS")
	f.BoolVar(&o.AnyAddress, "i-know-this-is-a-simulator", false, "listen where other machines can reach it")
	return c
}

// announceUpsim prints what to configure, one setting a line, and how to look inside.
func announceUpsim(out io.Writer, s *upsim.Server, token string) error {
	text, err := json.Marshal(s.Bases())
	if err != nil {
		return err
	}
	var bases map[string]string
	if err := json.Unmarshal(text, &bases); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(bases)) {
		fmt.Fprintf(out, "%-20s %s\n", name, bases[name])
	}
	_, err = fmt.Fprintf(out, "%-20s %s\n\nTry: curl -H 'Authorization: Bearer %s' %s/journal\n", "control.token", token, token, s.Bases().Control)
	return err
}
