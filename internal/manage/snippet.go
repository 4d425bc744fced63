package manage

import (
	"context"
	"net/url"
	"strings"

	"github.com/tigertally/tigertally/api"
	"github.com/tigertally/tigertally/internal/operator"
)

// Snippets returns what to paste into apps of each kind, filled with this server's
// addresses and the application's ids. Nothing in them is secret. Errors: AppNotFound.
func (s *Service) Snippets(ctx context.Context, p operator.Principal, in api.AppRef) (list api.List[api.Snippet], err error) {
	if _, err := s.may(ctx, p, AppSnippets, in.Pool); err != nil {
		return list, err
	}
	if _, err := s.app(ctx, in); err != nil {
		return list, err
	}
	key, err := s.d.Keys.TransportRaw(ctx, in.Pool)
	if err != nil {
		return list, err
	}
	u, err := url.Parse(s.d.PublicURL)
	if err != nil {
		return list, err
	}
	fill := strings.NewReplacer(
		"{url}", s.d.PublicURL, "{host}", u.Host, "{scheme}", u.Scheme, "{env}", in.Pool, "{app}", in.App,
		"{key}", key, "{issuer}", s.d.Issuer(in.Pool),
	)
	for _, v := range snippets() {
		list.Items = append(list.Items, api.Snippet{Client: v.Client, Text: fill.Replace(v.Text)})
	}
	return list, nil
}

// snippets are the lines for each client library, as its own documentation writes them.
func snippets() []api.Snippet {
	return []api.Snippet{
		{Client: "@cloudbase/js-sdk 3.x", Text: `import cloudbase from '@cloudbase/js-sdk';

const app = cloudbase.init({ env: '{env}', clientId: '{app}' });
app.registerHost('{host}', '{scheme}');
const auth = app.auth();
await auth.signInWithSms({ phoneNumber: '+86 13800000000', verificationInfo, verificationCode });`},
		{Client: "@cloudbase/js-sdk 2.x", Text: `import cloudbase from '@cloudbase/js-sdk';

const app = cloudbase.init({ env: '{env}', clientId: '{app}' });
app.registerEndPoint('{url}/web');
const auth = app.auth({ persistence: 'local' });`},
		{Client: "authing-js-sdk", Text: `import { AuthenticationClient } from 'authing-js-sdk';

const authing = new AuthenticationClient({ appId: '{app}', appHost: '{url}' });
const user = await authing.loginByUsername('name', 'password');`},
		{Client: "Authing for iOS (Swift)", Text: `Authing.setSchema(schema: "{scheme}")
Authing.setOnPremiseInfo(host: "{host}", publicKey: "{key}")
Authing.start("{app}")`},
		{Client: "Authing for Android", Text: `Authing.setScheme("{scheme}");
Authing.setOnPremiseInfo("{host}", "{key}");
Authing.init(context, "{app}");`},
		{Client: "Go", Text: `import "github.com/tigertally/tigertally/sdk/cloudbase"

client, err := cloudbase.New(cloudbase.Config{Env: "{env}", ClientID: "{app}", Endpoint: "{url}"})`},
		{Client: "OpenID Connect", Text: `issuer     {issuer}
discovery  {issuer}/.well-known/openid-configuration
client_id  {app}
PKCE       S256`},
	}
}
