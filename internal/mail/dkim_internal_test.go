package mail

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"os"
	"testing"
)

func decode(t *testing.T, b64 string) []byte {
	t.Helper()
	b, err := base64.StdEncoding.DecodeString(b64)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// RFC 8463 appendix A. Its Ed25519 key is the first of RFC 8032, and that algorithm has
// one signature for a message.
func TestDKIMAgreesWithTheVectors(t *testing.T) {
	raw, err := os.ReadFile("testdata/dkim.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors []struct {
		ID     string
		Inputs struct {
			Body, P, B string
			Signed     string `json:"signed_bytes"`
		}
		Expected any
	}
	if err := json.Unmarshal(raw, &vectors); err != nil || len(vectors) != 3 {
		t.Fatal(len(vectors), err)
	}
	for _, v := range vectors {
		in := v.Inputs
		switch v.ID {
		case "dkim.bodyhash":
			for _, body := range []string{in.Body, in.Body + "\r\n\r\n", "Hi. \t\r\n\r\nWe \t lost the game.  Are you hungry yet?\r\n\r\nJoe.\r\n"} {
				sum := sha256.Sum256(relaxBody([]byte(body)))
				want := v.Expected
				if got := base64.StdEncoding.EncodeToString(sum[:]); got != want {
					t.Errorf("%s: %s, want %s", v.ID, got, want)
				}
			}
		case "dkim.rfc8463.ed25519":
			key := ed25519.NewKeyFromSeed(decode(t, "nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A="))
			got, err := signWith(key, in.Signed)
			if err != nil || base64.StdEncoding.EncodeToString(got) != in.B {
				t.Errorf("%s: %x, %v", v.ID, got, err)
			}
		case "dkim.rfc8463.rsa":
			public, err := x509.ParsePKIXPublicKey(decode(t, in.P))
			if err != nil {
				t.Fatal(err)
			}
			sum := sha256.Sum256([]byte(in.Signed))
			if err := rsa.VerifyPKCS1v15(public.(*rsa.PublicKey), crypto.SHA256, sum[:], decode(t, in.B)); err != nil {
				t.Errorf("%s: %v", v.ID, err)
			}
		}
	}
}

func TestRelaxedHeaders(t *testing.T) {
	for value, want := range map[string]string{
		" X ": "subject:X", "\ta \t b\r\n c": "subject:a b c", "": "subject:",
	} {
		if got := relaxHeader("Subject", value); got != want {
			t.Errorf("%q: %q, want %q", value, got, want)
		}
	}
	if got := relaxBody([]byte("\r\n\r\n")); len(got) != 0 {
		t.Errorf("an empty body: %q", got)
	}
}
