package provider_test

import (
	"encoding/base64"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/provider"
)

func TestMiniProgram(t *testing.T) {
	session := answers{"openid": aliceID, "session_key": "c2ltLXNlc3Npb24ta2V5MQ==", "unionid": unionID}
	unbound := answers{"openid": aliceID, "session_key": "c2ltLXNlc3Npb24ta2V5MQ=="}
	who := provider.Profile{Subject: aliceID, UnionID: unionID, AppID: wxApp}
	phone := func(e164 string) provider.Profile {
		p := who
		p.Phone = e164
		return p
	}
	mark := func(at time.Time, app string) answers { return answers{"timestamp": at.Unix(), "appid": app} }
	both := provider.Credential{Code: "login", CodeType: "phone", PhoneCode: "phone"}
	for _, tt := range []struct {
		name    string
		session answers
		number  answers
		c       provider.Credential
		want    outcome
	}{
		{"by openid", session, nil, provider.Credential{Code: "login", CodeType: "open_id"}, outcome{profile: who}},
		{"by unionid", session, nil, provider.Credential{Code: "login", CodeType: "union_id"}, outcome{profile: who}},
		{"by unionid, bound to nothing", unbound, nil, provider.Credential{Code: "login", CodeType: "union_id"}, refusal(errs.ProviderMisconfigured, "no_unionid")},
		{"with a phone", session, number(), both, outcome{profile: phone("+8613800000001")}},
		{"CCNUM: the country is a number", session, number("countryCode", 86), both, outcome{profile: phone("+8613800000001")}},
		{"CCSTR: the country is text", session, number("countryCode", "86"), both, outcome{profile: phone("+8613800000001")}},
		{"the number is a number", session, number("purePhoneNumber", 13800000001), both, outcome{profile: phone("+8613800000001")}},
		{"INTL: a phone of Hong Kong", session, number("countryCode", "852", "purePhoneNumber", "51234567", "phoneNumber", "+85251234567"), both, outcome{profile: phone("+85251234567")}},
		{"BADMARK: a phone for another app", session, number("watermark", mark(today(), "wx0000000000000009")), both, refusal(errs.ProviderRefused, "bad_watermark")},
		{"OLDMARK: a phone of an hour ago", session, number("watermark", mark(today().Add(-time.Hour), wxApp)), both, refusal(errs.ProviderRefused, "bad_watermark")},
		{"a phone from the future", session, number("watermark", mark(today().Add(time.Hour), wxApp)), both, refusal(errs.ProviderRefused, "bad_watermark")},
		{"a phone without a mark", session, number("watermark", nil), both, refusal(errs.ProviderRefused, "bad_watermark")},
		{"no number", session, number("purePhoneNumber", ""), both, refusal(errs.Unavailable, "incomplete_answer")},
		{"a number that is none", session, number("purePhoneNumber", "12"), both, refusal(errs.Unavailable, "bad_phone")},
		{"an unknown phone code", session, nil, both, refusal(errs.ProviderRefused, "bad_code")},
		{"the login code in place of the phone code", session, nil, provider.Credential{Code: "login", PhoneCode: "login"}, refusal(errs.ProviderRefused, "bad_code")},
		{"the phone code of somebody else", answers{"openid": bobID}, number(), both, refusal(errs.ProviderRefused, "bad_openid")},
		{"a phone wanted and no code for it", session, nil, provider.Credential{Code: "login", CodeType: "phone"}, refusal(errs.FieldMissing, "")},
		{"no code", session, nil, provider.Credential{}, refusal(errs.FieldMissing, "")},
		{"a phone code and nobody it is for", session, number(), provider.Credential{PhoneCode: "phone"}, refusal(errs.FieldMissing, "")},
		{"a phone of somebody known", nil, number(), provider.Credential{Subject: aliceID, PhoneCode: "phone"}, outcome{profile: provider.Profile{Subject: aliceID, AppID: wxApp, Phone: "+8613800000001"}}},
		{"a phone of somebody else than known", nil, number(), provider.Credential{Subject: bobID, PhoneCode: "phone"}, refusal(errs.ProviderRefused, "bad_openid")},
		{"a code of somebody else than known", session, nil, provider.Credential{Subject: bobID, Code: "login"}, refusal(errs.ProviderRefused, "bad_subject")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWeixin(t)
			w.codes["login"] = tt.session
			if tt.number != nil {
				w.phones["phone"] = tt.number
			}
			got, err := w.open("wechat_mini").Exchange(t.Context(), tt.c)
			tt.want.check(t, got, err)
			wantNoSecret(t, err, wxSecret, "c2ltLXNlc3Npb24ta2V5MQ==", "13800000001", aliceID, "SIMAT")
		})
	}
}

// vector is what WeChat publishes of its older, sealed answers.
type vector struct {
	ID     string
	Inputs struct {
		AppID         string `json:"appid"`
		SessionKey    string `json:"session_key"`
		IV            string `json:"iv"`
		EncryptedData string `json:"encryptedData"`
		RawData       string `json:"rawData"`
	}
	Expected json.RawMessage
}

func wechatVector(t *testing.T, id string) vector {
	t.Helper()
	var all []vector
	text, err := os.ReadFile("testdata/wechat/vectors.json")
	if err == nil {
		err = json.Unmarshal(text, &all)
	}
	for _, v := range all {
		if v.ID == id {
			return v
		}
	}
	t.Fatalf("no vector %s: %v", id, err)
	return vector{}
}

// unsealed signs in with what a vector holds, in the session of openid.
func unsealed(t *testing.T, openid, key, appID string, c provider.Credential) (provider.Profile, error) {
	t.Helper()
	w := newWeixin(t)
	w.fixed["/sns/jscode2session"] = says(`{"openid":"` + openid + `","session_key":"` + key + `"}`)
	c.Code = "login"
	return w.open("wechat_mini", "appid", appID).Exchange(t.Context(), c)
}

func TestVectorWeChatEncryptedDataUserInfo(t *testing.T) {
	v := wechatVector(t, "wechat.encrypted-data.userinfo")
	const openid = "oGZUI0egBJY1zhBYw2KhdUfwVJJE"
	sealed := provider.Credential{EncryptedData: v.Inputs.EncryptedData, IV: v.Inputs.IV}
	got, err := unsealed(t, openid, v.Inputs.SessionKey, v.Inputs.AppID, sealed)
	outcome{profile: provider.Profile{
		Subject: openid, AppID: v.Inputs.AppID, Name: "Band",
		Picture: "https://wx.qlogo.cn/mmopen/vi_32/aSKcBBPpibyKNicHNTMM0qJVh8Kjgiak2AHWr8MHM4WgMEm7GFhsf8OYrySdbvAMvTsw3mo8ibKicsnfN5pRjl1p8HQ/0",
	}}.check(t, got, err)

	_, err = unsealed(t, aliceID, v.Inputs.SessionKey, v.Inputs.AppID, sealed)
	wantRefusal(t, err, errs.ProviderRefused, "bad_encrypted_data")
}

func TestVectorWeChatEncryptedDataPhone(t *testing.T) {
	v := wechatVector(t, "sim.wechat.encrypted-data.phone")
	sealed := provider.Credential{CodeType: "phone", EncryptedData: v.Inputs.EncryptedData, IV: v.Inputs.IV}
	got, err := unsealed(t, aliceID, v.Inputs.SessionKey, v.Inputs.AppID, sealed)
	outcome{profile: provider.Profile{Subject: aliceID, AppID: v.Inputs.AppID, Phone: "+8613800000000"}}.check(t, got, err)
}

// Sealed data is not authenticated: whatever is wrong with it, the answer is the same.
func TestSealedDataFailsInOneWay(t *testing.T) {
	v := wechatVector(t, "sim.wechat.encrypted-data.phone")
	in := v.Inputs
	raw, err := base64.StdEncoding.DecodeString(in.EncryptedData)
	if err != nil {
		t.Fatal(err)
	}
	flip := func(i int) string {
		b := append([]byte(nil), raw...)
		b[i] ^= 1
		return base64.StdEncoding.EncodeToString(b)
	}
	short := base64.StdEncoding.EncodeToString([]byte("fifteen bytes!!"))
	foreign := wechatVector(t, "wechat.encrypted-data.userinfo").Inputs
	var said string
	for _, tt := range []struct{ name, app, key, iv, data string }{
		{"another app", "wx0000000000000000", in.SessionKey, in.IV, in.EncryptedData},
		{"another key", in.AppID, "d2ltLXNlc3Npb24ta2V5MQ==", in.IV, in.EncryptedData},
		{"no key", in.AppID, "", in.IV, in.EncryptedData},
		{"a key that is short", in.AppID, short, in.IV, in.EncryptedData},
		{"another iv", in.AppID, in.SessionKey, foreign.IV, in.EncryptedData},
		{"an iv of 15 bytes", in.AppID, in.SessionKey, short, in.EncryptedData},
		{"no iv", in.AppID, in.SessionKey, "", in.EncryptedData},
		{"no base64", in.AppID, in.SessionKey, in.IV, "%%%"},
		{"part of a block", in.AppID, in.SessionKey, in.IV, short},
		{"one block", in.AppID, in.SessionKey, in.IV, base64.StdEncoding.EncodeToString(raw[:16])},
		{"a bit of the first block", in.AppID, in.SessionKey, in.IV, flip(0)},
		{"a bit of the middle", in.AppID, in.SessionKey, in.IV, flip(40)},
		{"a bit of the padding", in.AppID, in.SessionKey, in.IV, flip(len(raw) - 17)},
		{"a bit of the last block", in.AppID, in.SessionKey, in.IV, flip(len(raw) - 1)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := unsealed(t, aliceID, tt.key, tt.app, provider.Credential{EncryptedData: tt.data, IV: tt.iv})
			wantRefusal(t, err, errs.ProviderRefused, "bad_encrypted_data")
			if said == "" {
				said = err.Error()
			}
			if err != nil && err.Error() != said {
				t.Errorf("says %q, and elsewhere %q", err, said)
			}
		})
	}
}

func TestVectorWeChatRawDataSignature(t *testing.T) {
	v := wechatVector(t, "wechat.rawdata.signature")
	var signature string
	if err := json.Unmarshal(v.Expected, &signature); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, data, signature string
		good                  bool
	}{
		{"the vendor's", v.Inputs.RawData, signature, true},
		{"other data", strings.Replace(v.Inputs.RawData, "Band", "Bend", 1), signature, false},
		{"another signature", v.Inputs.RawData, strings.Replace(signature, "7", "8", 1), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := unsealed(t, aliceID, v.Inputs.SessionKey, wxApp, provider.Credential{
				Params: map[string]string{"rawData": tt.data, "signature": tt.signature},
			})
			if tt.good && err != nil {
				t.Error(err)
			}
			if !tt.good {
				wantRefusal(t, err, errs.ProviderRefused, "bad_encrypted_data")
			}
		})
	}
}
