package provider_test

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/provider"
)

const alipayApp = "2021000000000001"

func alipaySettings(t *testing.T, base string, more ...string) map[string]string {
	t.Helper()
	set := map[string]string{
		"app_id": alipayApp, "private_key": file(t, "app.pem"), "alipay_public_key": file(t, "alipay.pub.pem"), "base": base,
	}
	for i := 0; i+1 < len(more); i += 2 {
		set[more[i]] = more[i+1]
	}
	return set
}

// signedBy wraps content as Alipay does, signed with the key of the file name.
func signedBy(t *testing.T, name, node, content string) string {
	t.Helper()
	block, _ := pem.Decode([]byte(file(t, name)))
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		rsaKey, err := x509.ParsePKCS1PrivateKey(block.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		key = rsaKey
	}
	sum := sha256.Sum256([]byte(content))
	sign, err := rsa.SignPKCS1v15(nil, key.(*rsa.PrivateKey), crypto.SHA256, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf(`{%q:%s,"sign":%q}`, node, content, base64.StdEncoding.EncodeToString(sign))
}

// The request that redeems a code, and the signature that OpenSSL made over the text
// Alipay's documentation has signed (openssl dgst -sha256 -sign app.pem token.txt), and
// the other way round for the answer.
func TestAlipaySignsAndVerifiesLikeOpenSSL(t *testing.T) {
	at := upstream(t, map[string]http.HandlerFunc{
		"POST /gateway.do": func(w http.ResponseWriter, r *http.Request) {
			if err := r.ParseForm(); err != nil {
				t.Error(err)
			}
			want := url.Values{
				"app_id": {alipayApp}, "charset": {"utf-8"}, "code": {goodCode}, "format": {"JSON"}, "grant_type": {"authorization_code"},
				"method": {"alipay.system.oauth.token"}, "sign_type": {"RSA2"}, "timestamp": {"2023-11-15 06:13:20"}, "version": {"1.0"},
				"sign": {file(t, "token.sign")},
			}
			if diff := cmp.Diff(want, r.PostForm); diff != "" {
				t.Error(diff)
			}
			says(fmt.Sprintf(`{"alipay_system_oauth_token_response":%s,"sign":%q}`, file(t, "answer.json"), file(t, "answer.sign")))(w, r)
		},
	})
	d := open(t, "alipay", alipaySettings(t, at, "scope", "auth_base"))
	got, err := d.Exchange(t.Context(), provider.Credential{Params: map[string]string{"auth_code": goodCode, "app_id": alipayApp}})
	outcome{profile: provider.Profile{
		Subject: "074a1CcTG1LelxKe4xQC0zgNdId0nxi95b5lsNpazWYoCo5", UnionID: "un-1", AppID: alipayApp,
	}}.check(t, got, err)
}

func TestAlipay(t *testing.T) {
	const (
		tokenNode = "alipay_system_oauth_token_response"
		shareNode = "alipay_user_info_share_response"
		token     = `{"open_id":"OPEN1","alipay_user_id":"20880000000000000000000000000000","access_token":"access-token-1"}`
		// Alipay writes \/ and signs it.
		share = `{"code":"10000","msg":"Success","open_id":"OPEN1","nick_name":"小明","avatar":"https:\/\/tfs.alipayobjects.com\/a.jpg"}`
	)
	alice := provider.Profile{Subject: "OPEN1", AppID: alipayApp, Name: "小明", Picture: "https://tfs.alipayobjects.com/a.jpg"}
	older := alice
	older.Subject = "2088000000000001"
	signed := func(node, content string) string { return signedBy(t, "alipay.pem", node, content) }
	fault := func(code, sub string) string {
		return fmt.Sprintf(`{"error_response":{"code":%q,"msg":"x","sub_code":%q,"sub_msg":"x"},"sign":"AAAA"}`, code, sub)
	}
	for _, tt := range []struct {
		name, token, share string
		identity           string
		c                  provider.Credential
		want               outcome
	}{
		{"a code", signed(tokenNode, token), signed(shareNode, share), "", byCode, outcome{profile: alice}},
		{
			"an older application", signed(tokenNode, `{"user_id":"2088000000000001","access_token":"access-token-1"}`),
			signed(shareNode, `{"code":"10000","user_id":"2088000000000001","nick_name":"小明","avatar":"https://tfs.alipayobjects.com/a.jpg"}`), "user_id", byCode,
			outcome{profile: older},
		},
		{"the other name of the person", signed(tokenNode, token), "", "user_id", byCode, refusal(errs.ProviderMisconfigured, "no_subject")},
		// I5: the signature of the answer.
		{"signed with another key", signedBy(t, "app.pem", tokenNode, token), "", "", byCode, refusal(errs.ProviderMisconfigured, "response_signature")},
		{"not signed", `{"alipay_system_oauth_token_response":` + token + `}`, "", "", byCode, refusal(errs.ProviderMisconfigured, "response_signature")},
		{"changed on the way", signed(tokenNode, token)[:40] + "X" + signed(tokenNode, token)[41:], "", "", byCode, refusal(errs.ProviderMisconfigured, "response_signature")},
		{"another answer's signature", fmt.Sprintf(`{%q:%s,"sign":%q}`, tokenNode, token, file(t, "answer.sign")), "", "", byCode, refusal(errs.ProviderMisconfigured, "response_signature")},
		{"a profile signed with another key", signed(tokenNode, token), signedBy(t, "app.pem", shareNode, share), "", byCode, refusal(errs.ProviderMisconfigured, "response_signature")},
		{"somebody else's profile", signed(tokenNode, token), signed(shareNode, `{"code":"10000","open_id":"OPEN2"}`), "", byCode, refusal(errs.ProviderRefused, "userinfo_sub")},
		{"a wrong code", fault("40002", "isv.code-invalid"), "", "", byCode, refusal(errs.ProviderRefused, "vendor_isv_code_invalid")},
		{"our signature is wrong", fault("40002", "isv.invalid-signature"), "", "", byCode, refusal(errs.ProviderMisconfigured, "vendor_isv_invalid_signature")},
		{"a missing right", signed(tokenNode, token), fault("40006", "isv.insufficient-isv-permissions"), "", byCode, refusal(errs.ProviderMisconfigured, "")},
		{"a limit", fault("40005", "isp.call-limited"), "", "", byCode, refusal(errs.TooManyRequests, "")},
		{"busy", fault("20000", "isp.unknow-error"), "", "", byCode, refusal(errs.Unavailable, "")},
		{"a page in between", "<html>", "", "", byCode, refusal(errs.Unavailable, "")},
		{"a callback of another application", "", "", "", provider.Credential{Code: goodCode, Params: map[string]string{"app_id": "2021999"}}, refusal(errs.ProviderRefused, "mixup_iss")},
		{"the person said no", "", "", "", provider.Credential{Params: map[string]string{"error_scope": "auth_user"}}, refusal(errs.ProviderDenied, "no_code")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			at := upstream(t, map[string]http.HandlerFunc{
				"POST /gateway.do": func(w http.ResponseWriter, r *http.Request) {
					switch r.PostFormValue("method") {
					case "alipay.system.oauth.token":
						says(tt.token)(w, r)
					case "alipay.user.info.share":
						if r.PostFormValue("auth_token") != accessToken {
							t.Error("asked without the token")
						}
						says(tt.share)(w, r)
					}
				},
			})
			got, err := open(t, "alipay", alipaySettings(t, at, "identity", tt.identity)).Exchange(t.Context(), tt.c)
			tt.want.check(t, got, err)
		})
	}
}

func TestAlipayReadsKeysAsItsToolsWriteThem(t *testing.T) {
	bare := func(name string) string {
		block, _ := pem.Decode([]byte(file(t, name)))
		return base64.StdEncoding.EncodeToString(block.Bytes)
	}
	for _, tt := range []struct {
		name, private, public string
		ok                    bool
	}{
		{"PEM", file(t, "app.pem"), file(t, "alipay.pub.pem"), true},
		{"bare base64, PKCS #1", bare("app.pem"), bare("alipay.pub.pem"), true},
		{"bare base64, PKCS #8", bare("alipay.pem") + "\n", bare("alipay.pub.pem") + "\n", true},
		{"the private key for the public one", file(t, "app.pem"), file(t, "app.pem"), false},
		{"the public key for the private one", file(t, "alipay.pub.pem"), file(t, "alipay.pub.pem"), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			set := map[string]string{"app_id": alipayApp, "private_key": tt.private, "alipay_public_key": tt.public}
			if _, err := provider.Open("alipay", set, provider.Env{Now: today}); (err == nil) != tt.ok {
				t.Error(err)
			}
		})
	}
}
