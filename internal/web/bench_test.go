package web_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"testing"

	"github.com/tigertally/tigertally/internal/web"
)

type signIn struct {
	Client   string `json:"-" query:"client_id"`
	Username string `json:"username"`
	Password string `json:"password"`
	Token    string `json:"verification_token"`
}

type tokens struct {
	TokenType    string `json:"token_type"`
	AccessToken  string `json:"access_token"`
	RefreshToken string `json:"refresh_token"`
	ExpiresIn    int    `json:"expires_in"`
}

const signInBody = `{"username":"+86 13800138000","password":"correct horse battery staple","unknown":{"a":[1,2,3]}}`

// sink is a ResponseWriter that costs nothing.
type sink struct{ header http.Header }

func (s *sink) Header() http.Header         { return s.header }
func (s *sink) Write(p []byte) (int, error) { return len(p), nil }
func (s *sink) WriteHeader(int)             {}

type void struct{}

func (void) Write(p []byte) (int, error) { return len(p), nil }

type again struct{ bytes.Reader }

func (*again) Close() error { return nil }

func bench(b *testing.B, h http.Handler, body string) {
	b.Helper()
	r, err := http.NewRequestWithContext(b.Context(), http.MethodPost, "/auth/v1/signin?client_id=dev", http.NoBody)
	if err != nil {
		b.Fatal(err)
	}
	r.RemoteAddr = "192.0.2.1:1234"
	r.Header.Set("X-Request-Id", "0123456789abcdef0123456789abcdef")
	r.Header.Set("Accept-Language", "zh-CN")
	r.Header.Set("Authorization", "Bearer abc")
	w := &sink{header: make(http.Header)}
	reader := new(again)
	b.ReportAllocs()
	for b.Loop() {
		reader.Reset([]byte(body))
		r.Body, r.ContentLength = reader, int64(len(body))
		h.ServeHTTP(w, r)
	}
}

func endpoint() http.Handler {
	return web.JSON(plain{}, func(_ context.Context, in signIn) (tokens, error) {
		return tokens{TokenType: "Bearer", AccessToken: in.Username, ExpiresIn: 7200}, nil
	})
}

func BenchmarkJSON(b *testing.B) { bench(b, endpoint(), signInBody) }

// BenchmarkUnmarshal is encoding/json on the same body, to compare with.
func BenchmarkUnmarshal(b *testing.B) {
	body := []byte(signInBody)
	b.ReportAllocs()
	for b.Loop() {
		var in signIn
		if err := json.Unmarshal(body, &in); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkMiddleware(b *testing.B) {
	empty := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })
	b.Run("without a log", func(b *testing.B) { bench(b, web.Middleware(options(nil), empty), "") })
	b.Run("with a log", func(b *testing.B) {
		o := options(nil)
		o.Logger = slog.New(slog.NewJSONHandler(void{}, nil)) // formats the line, unlike the discarding handler
		bench(b, web.Middleware(o, empty), "")
	})
	b.Run("around an endpoint", func(b *testing.B) { bench(b, web.Middleware(options(nil), endpoint()), signInBody) })
}
