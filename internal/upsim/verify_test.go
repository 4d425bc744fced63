package upsim

import (
	"encoding/json"
	"net/url"
	"os"
	"testing"
)

// These vectors pin functions that no request reaches alone.
func TestFunctionsAgreeWithTheVectors(t *testing.T) {
	type inputs struct {
		Message    string            `json:"message"`
		SessionKey string            `json:"session_key"`
		Body       string            `json:"body"`
		AuthToken  string            `json:"auth_token"`
		URL        string            `json:"url"`
		Params     map[string]string `json:"params"`
	}
	twilio := func(in inputs) string {
		form := url.Values{}
		for name, value := range in.Params {
			form.Set(name, value)
		}
		return twilioSignature(in.AuthToken, in.URL, form)
	}
	session := func(in inputs) string { return sessionSignature(in.SessionKey, in.Body) }
	sm3 := func(in inputs) string { return sm3Hex([]byte(in.Message)) }
	functions := map[string]func(inputs) string{
		"sm3.abc": sm3, "sm3.abcd16": sm3, "twilio.request-signature": twilio,
		"wechat.session-signature.post": session, "wechat.checksession.signature": session,
	}
	text, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Vectors []struct {
			ID               string
			Inputs, Expected json.RawMessage
		}
	}
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, v := range file.Vectors {
		f, ok := functions[v.ID]
		if !ok {
			continue
		}
		seen++
		var in inputs
		var want string
		if err := json.Unmarshal(v.Inputs, &in); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(v.Expected, &want); err != nil {
			t.Fatal(err)
		}
		if got := f(in); got != want {
			t.Errorf("%s: got %s, want %s", v.ID, got, want)
		}
	}
	if seen != len(functions) {
		t.Errorf("%d of %d vectors are there", seen, len(functions))
	}
}

func TestSM3OfEveryLengthOfPadding(t *testing.T) {
	seen := map[string]bool{}
	for n := range 200 {
		sum := sm3Hex(make([]byte, n))
		if len(sum) != 64 || seen[sum] {
			t.Errorf("%d zeros: %s", n, sum)
		}
		seen[sum] = true
	}
}
