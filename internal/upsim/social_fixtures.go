package upsim

import (
	_ "embed"
	"encoding/json"
	"fmt"
)

//go:embed fixtures_social.json
var socialFixtures []byte

// social adds the apps that every simulator starts with, and the public halves of the
// keys that they sign with.
func (a *Accounts) social() error {
	if err := json.Unmarshal(socialFixtures, a); err != nil {
		return fmt.Errorf("upsim: fixtures: %w", err)
	}
	keys, err := newKeyring()
	if err != nil {
		return err
	}
	alipay, err := publicPEM(&keys.rsa[alipayApp].PublicKey)
	if err != nil {
		return err
	}
	for id, app := range a.Alipay {
		app.PublicKey = alipay
		a.Alipay[id] = app
	}
	apple, err := derivedPublic(appleClientSeed)
	if err != nil {
		return err
	}
	for id, app := range a.Apple {
		app.PublicKey = apple
		a.Apple[id] = app
	}
	signer, err := derivedPublic(oidcClientSeed)
	if err != nil {
		return err
	}
	for _, provider := range a.OIDC {
		for id, client := range provider.Clients {
			if client.Auth == "private_key_jwt" {
				client.PublicKey = signer
				provider.Clients[id] = client
			}
		}
	}
	return nil
}

func derivedPublic(seed string) (string, error) {
	key, err := derivedKey(seed)
	if err != nil {
		return "", err
	}
	return publicPEM(key.Public())
}

// SocialBases are the addresses of those whom people sign in with. Below each are the
// paths of the vendor's own hosts, all on one; an issuer is OIDC and a name after it.
type SocialBases struct {
	OIDC      string `json:"social.oidc.base"`
	GitHub    string `json:"social.github.base"`
	QQ        string `json:"social.qq.base"`
	Weibo     string `json:"social.weibo.base"`
	Alipay    string `json:"social.alipay.base"`
	DingTalk  string `json:"social.dingtalk.base"`
	Feishu    string `json:"social.feishu.base"`
	Apple     string `json:"social.apple.base"`
	HCaptcha  string `json:"captcha.hcaptcha.base"`
	Turnstile string `json:"captcha.turnstile.base"`
}

func socialBases(main string) SocialBases {
	return SocialBases{
		OIDC: main + "/oidc", GitHub: main + "/github", QQ: main + "/qq", Weibo: main + "/weibo", Alipay: main + "/alipay",
		DingTalk: main + "/dingtalk", Feishu: main + "/feishu", Apple: main + "/apple",
		HCaptcha: main + "/hcaptcha", Turnstile: main + "/turnstile",
	}
}
