package mail

import (
	"net/smtp"
	"testing"
)

// The exchange of RFC 7677 section 3.
const (
	scramNonce     = "rOprNGfwEbeRWgbNEkqO"
	scramFirst     = "n,,n=user,r=" + scramNonce
	scramServer    = "r=" + scramNonce + "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
	scramFinal     = "c=biws,r=" + scramNonce + "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
	scramSignature = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="
)

func startSCRAM(t *testing.T, password string) *scramAuth {
	t.Helper()
	a := &scramAuth{username: "user", password: password, nonce: scramNonce}
	name, first, err := a.Start(&smtp.ServerInfo{Name: "mail.example.com", TLS: true})
	if err != nil || name != scramName || string(first) != scramFirst {
		t.Fatalf("Start: %q, %q, %v", name, first, err)
	}
	return a
}

func TestSCRAMSaysWhatTheStandardSays(t *testing.T) {
	a := startSCRAM(t, "pencil")
	if got, err := a.Next([]byte(scramServer), true); err != nil || string(got) != scramFinal {
		t.Fatalf("proof %q, %v", got, err)
	}
	if got, err := a.Next([]byte(scramSignature), true); err != nil || got == nil || len(got) != 0 {
		t.Errorf("after the server's proof: %q, %v", got, err)
	}
	if _, err := a.Next([]byte("welcome"), false); err != nil {
		t.Errorf("in the end: %v", err)
	}
}

func TestSCRAMRefusesServersThatDoNotKnowThePassword(t *testing.T) {
	for _, tt := range []struct {
		name, challenge, signature string
	}{
		{"another nonce", "r=rOprNGfwEbeRWgbNEkqXX%hv,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096", ""},
		{"no nonce of its own", "r=" + scramNonce + ",s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096", ""},
		{"few rounds", "r=" + scramNonce + "x,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=1", ""},
		{"endless rounds", "r=" + scramNonce + "x,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=2000000000", ""},
		{"no salt", "r=" + scramNonce + "x,s=,i=4096", ""},
		{"an extension", "m=new," + scramServer, ""},
		{"nothing", "", ""},
		{"another signature", scramServer, "v=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="},
		{"an error", scramServer, "e=other-error"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := startSCRAM(t, "pencil")
			_, err := a.Next([]byte(tt.challenge), true)
			if tt.signature != "" && err == nil {
				_, err = a.Next([]byte(tt.signature), true)
			}
			if err == nil {
				t.Error("the server is believed")
			}
		})
	}
	a := startSCRAM(t, "pencil")
	if _, err := a.Next([]byte(scramServer), true); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Next([]byte("welcome"), false); err == nil {
		t.Error("a server that proves nothing is believed")
	}
	if _, _, err := newSCRAM("u", "p").Start(&smtp.ServerInfo{Name: "mail.example.com"}); err == nil {
		t.Error("it speaks in clear")
	}
}
