package onetap

import (
	"encoding/json"
	"net/url"
	"os"
	"testing"
)

// The driver signs as was computed apart from this code.
func TestYidunSignaturesAgreeWithTheVectors(t *testing.T) {
	raw, err := os.ReadFile("testdata/yidun.json")
	if err != nil {
		t.Fatal(err)
	}
	var all []struct {
		ID     string
		Inputs struct {
			Key    string `json:"secretKey"`
			Params map[string]string
		}
		Expected string
	}
	if err := json.Unmarshal(raw, &all); err != nil || len(all) == 0 {
		t.Fatal(len(all), err)
	}
	for _, v := range all {
		form := url.Values{"signature": {"is not signed"}}
		for name, value := range v.Inputs.Params {
			form.Set(name, value)
		}
		if got := signYidun(form.Get("signatureMethod"), v.Inputs.Key, form); got != v.Expected {
			t.Errorf("%s: %s, want %s", v.ID, got, v.Expected)
		}
	}
}
