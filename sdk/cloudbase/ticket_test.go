package cloudbase_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tigertally/tigertally/sdk/cloudbase"
)

func keyFile(t *testing.T, blockType string, der []byte) []byte {
	t.Helper()
	file, err := json.Marshal(map[string]string{
		"private_key_id": "key-1", "env_id": "my-env",
		"private_key": string(pem.EncodeToMemory(&pem.Block{Type: blockType, Bytes: der})),
	})
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func rsaKey(t *testing.T, bits int) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// A ticket is what @cloudbase/node-sdk 3.18.3 makes, to the last byte of its header and
// the order of its claims. CloudBase's own keys are short.
func TestCreateTicket(t *testing.T) {
	key := rsaKey(t, 1024)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	at := time.UnixMilli(1795255487000)
	for name, file := range map[string][]byte{
		"PKCS #1": keyFile(t, "RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(key)), "PKCS #8": keyFile(t, "PRIVATE KEY", pkcs8),
	} {
		t.Run(name, func(t *testing.T) {
			k, err := cloudbase.ParseTicketKey(file)
			if err != nil || k.Env() != "my-env" {
				t.Fatal(k, err)
			}
			ticket, err := k.CreateTicket("user_0001", cloudbase.TicketOptions{IssuedAt: at})
			if err != nil {
				t.Fatal(err)
			}
			id, jwt, _ := strings.Cut(ticket, "/@@/")
			parts := strings.Split(jwt, ".")
			var text [3]string
			for i, p := range parts {
				raw, err := base64.RawURLEncoding.DecodeString(p)
				if err != nil {
					t.Fatal(err)
				}
				text[i] = string(raw)
			}
			const claims = `{"alg":"RS256","env":"my-env","iat":1795255487000,"exp":1795256087000,"uid":"user_0001","refresh":3600000,"expire":1795860287000}`
			if diff := cmp.Diff([]string{"key-1", `{"alg":"RS256","typ":"JWT"}`, claims}, []string{id, text[0], text[1]}); diff != "" {
				t.Error(diff)
			}
			sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
			if err := rsa.VerifyPKCS1v15(&key.PublicKey, crypto.SHA256, sum[:], []byte(text[2])); err != nil {
				t.Error(err)
			}
			if again, err := k.CreateTicket("user_0001", cloudbase.TicketOptions{
				IssuedAt: at, Refresh: time.Hour, Expire: at.Add(7 * 24 * time.Hour),
			}); again != ticket || err != nil {
				t.Error("the defaults are others")
			}
			for _, uid := range []string{"", "abc", strings.Repeat("a", 33), "user 1", "ümlaut"} {
				if _, err := k.CreateTicket(uid, cloudbase.TicketOptions{}); !errors.Is(err, cloudbase.ErrLocal) {
					t.Errorf("%q: got %v", uid, err)
				}
			}
		})
	}
}

func TestParseTicketKeyRefuses(t *testing.T) {
	for name, file := range map[string]string{
		"no JSON": "{", "nothing": "{}", "no env": `{"private_key_id":"k","private_key":"x"}`,
		"no PEM": `{"private_key_id":"k","env_id":"e","private_key":"x"}`,
		"no key": `{"private_key_id":"k","env_id":"e","private_key":"-----BEGIN X-----\nAAAA\n-----END X-----\n"}`,
	} {
		if _, err := cloudbase.ParseTicketKey([]byte(file)); !errors.Is(err, cloudbase.ErrLocal) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// What is encrypted is the request, in blocks the server takes, whatever its length.
func TestEncryption(t *testing.T) {
	key := rsaKey(t, 2048)
	spki, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"PEM": string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: spki})), "bare": base64.StdEncoding.EncodeToString(spki),
	} {
		for _, user := range []string{"ada", strings.Repeat("a", 300), strings.Repeat("张", 200), `<"&>`} {
			var sent struct {
				Params     string `json:"params"`
				Thumbprint string `json:"public_key_thumbprint"`
			}
			app, err := cloudbase.New(cloudbase.Config{Env: "e", HTTPClient: &http.Client{Transport: transport(func(r *http.Request) (*http.Response, error) {
				if strings.HasSuffix(r.URL.Path, "/publichkey") {
					body, err := json.Marshal(map[string]string{"public_key": text, "public_key_thumbprint": "t"})
					return answer(200, string(body)), err
				}
				err := json.NewDecoder(r.Body).Decode(&sent)
				return answer(404, `{"error":"not_found"}`), err
			})}})
			if err != nil {
				t.Fatal(err)
			}
			_, err = app.Auth().SignIn(t.Context(), cloudbase.SignInRequest{Username: user, Password: "p", Encrypt: true})
			if !errors.Is(err, cloudbase.ErrNotFound) || sent.Thumbprint != "t" {
				t.Fatalf("%s: got %v", name, err)
			}
			blocks, err := base64.StdEncoding.DecodeString(sent.Params)
			if err != nil || len(blocks)%key.Size() != 0 {
				t.Fatalf("%s: %d bytes, %v", name, len(blocks), err)
			}
			var plain []byte
			for ; len(blocks) > 0; blocks = blocks[key.Size():] {
				part, err := rsa.DecryptPKCS1v15(nil, key, blocks[:key.Size()]) //nolint:staticcheck // the protocol's padding.
				if err != nil {
					t.Fatal(err)
				}
				plain = append(plain, part...)
			}
			var got map[string]string
			if err := json.Unmarshal(plain, &got); err != nil || got["username"] != user || got["password"] != "p" || len(got) != 2 {
				t.Errorf("%s: sent %s, %v", name, plain, err)
			}
		}
	}
}

func TestPhoneNumbers(t *testing.T) {
	for number, want := range map[string]string{
		"13800000000": "+86 13800000000", "+8613800000000": "+86 13800000000", "+86 13800000000": "+86 13800000000",
		"+12025550123": "+1 2025550123", "+1 2025550123": "+1 2025550123", "+85251234567": "+852 51234567", "+447700900000": "+44 7700900000",
		"+79161234567": "+7 9161234567", "+35312345678": "+353 12345678", "": "",
	} {
		got := "nothing"
		app, err := cloudbase.New(cloudbase.Config{Env: "e", HTTPClient: &http.Client{Transport: transport(func(r *http.Request) (*http.Response, error) {
			var body map[string]string
			err := json.NewDecoder(r.Body).Decode(&body)
			got = body["phone_number"]
			return answer(400, `{"error":"aborted"}`), err
		})}})
		if err != nil {
			t.Fatal(err)
		}
		_, _ = app.Auth().GetVerification(t.Context(), cloudbase.GetVerificationRequest{PhoneNumber: number})
		if got != want {
			t.Errorf("%s: got %q, want %q", number, got, want)
		}
	}
}
