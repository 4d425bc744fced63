package driver_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/tigertally/tigertally/internal/driver"
)

func vectors[T any](t *testing.T, file string) []T {
	t.Helper()
	raw, err := os.ReadFile("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	var all []T
	if err := json.Unmarshal(raw, &all); err != nil || len(all) == 0 {
		t.Fatal(len(all), err)
	}
	return all
}

func TestTencentSignaturesAgreeWithTheVectors(t *testing.T) {
	type vector struct {
		ID     string
		Inputs struct {
			SecretID  string `json:"secret_id"`
			SecretKey string `json:"secret_key"`
			Service   string
			Timestamp int64
			Headers   [][2]string
			Payload   string
		}
		Expected struct{ Signature string }
	}
	actions := map[string]string{"cvm": "DescribeInstances", "sms": "SendSms"}
	for _, v := range vectors[vector](t, "tencent.json") {
		in := v.Inputs
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://"+in.Headers[1][1]+"/", strings.NewReader(in.Payload))
		if err != nil {
			t.Fatal(err)
		}
		driver.TencentKey{ID: in.SecretID, Secret: in.SecretKey}.Sign(req, []byte(in.Payload), driver.TencentCall{
			Service: in.Service, Action: actions[in.Service], Version: "any", At: time.Unix(in.Timestamp, 0),
		})
		if got := req.Header.Get("Authorization"); !strings.HasSuffix(got, "Signature="+v.Expected.Signature) {
			t.Errorf("%s: %s, want %s", v.ID, got, v.Expected.Signature)
		}
	}
}

func TestAliyunSignaturesAgreeWithTheVectors(t *testing.T) {
	type vector struct {
		ID     string
		Inputs struct {
			ID, Query string
			KeyID     string            `json:"access_key_id"`
			Secret    string            `json:"access_key_secret"`
			Headers   map[string]string `json:"headers"`
		}
		Expected struct{ Signature string }
	}
	for _, v := range vectors[vector](t, "aliyun.json") {
		in := v.Inputs
		at, err := time.Parse(time.RFC3339, in.Headers["x-acs-date"])
		if err != nil {
			t.Fatal(err)
		}
		values, err := url.ParseQuery(in.Query)
		if err != nil {
			t.Fatal(err)
		}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost,
			"https://"+in.Headers["host"]+"/?"+driver.AliyunQuery(values), http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		driver.AliyunKey{ID: in.KeyID, Secret: in.Secret}.Sign(req, nil, driver.AliyunCall{
			Action: in.Headers["x-acs-action"], Version: in.Headers["x-acs-version"],
			At: at, Nonce: in.Headers["x-acs-signature-nonce"],
		})
		if got := req.Header.Get("Authorization"); !strings.HasSuffix(got, ",Signature="+v.Expected.Signature) {
			t.Errorf("%s: %s, want %s", v.ID, got, v.Expected.Signature)
		}
	}
}
