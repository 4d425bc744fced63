package authing_test

import (
	"bytes"
	"fmt"
	"image/png"
	"net/http"
	"net/url"
	"path"
	"sync"
	"testing"
	"time"
)

// screen is a page that shows a QR code.
type screen struct {
	random string // it polls with
	code   string // in its picture
}

func (w *world) screen() screen {
	w.Helper()
	a := w.post("/api/v2/qrcode/gene", body{"autoMergeQrCode": false, "scene": "APP_AUTH"}).want(200)
	u, err := url.Parse(a.text("url"))
	if err != nil || a.text("random") == "" {
		w.Fatalf("%s: %v", a.Raw, err)
	}
	return screen{a.text("random"), path.Base(u.Path)}
}

func (w *world) check(random string) answer {
	w.Helper()
	return w.do(http.MethodGet, "/api/v2/qrcode/check?random="+url.QueryEscape(random), nil).want(200)
}

func (w *world) status(s screen, want int) answer {
	w.Helper()
	a := w.check(s.random).has(body{"status": want, "random": s.random})
	if ticket, has := a.Body["data"].(map[string]any)["ticket"]; has && want != 2 {
		w.Errorf("status %d with the ticket %v", want, ticket)
	}
	return a
}

func TestSignInByQRCode(t *testing.T) {
	each(t, func(w *world) {
		phone := w.byName("ann")
		s := w.screen()
		w.status(s, 0)
		w.postAs(phone.token, "/api/v2/qrcode/scanned", body{"random": s.code}).want(200).has(body{"appId": appID})
		scanned := w.status(s, 1)
		if _, has := scanned.data("userInfo").(map[string]any)["id"]; has {
			w.Errorf("a screen learns too much: %s", scanned.Raw)
		}
		w.postAs(phone.token, "/api/v2/qrcode/confirm", body{"random": s.code}).want(200)
		ticket := w.status(s, 2).text("ticket")
		if ticket != w.status(s, 2).text("ticket") {
			w.Error("a screen that asks twice gets another ticket")
		}
		got := w.post("/api/v2/qrcode/userinfo", body{"ticket": ticket}).user()
		if got.id != phone.id || got.token == phone.token {
			w.Errorf("signed in as %v, the phone is %v", got, phone)
		}
		w.me(got.token).want(200).has(body{"id": phone.id})
		w.post("/api/v2/qrcode/userinfo", body{"ticket": ticket}).want(2207)
		if after := w.check(s.random).has(body{"status": 2}); after.text("ticket") != "" {
			w.Errorf("a used ticket is shown again: %s", after.Raw)
		}
		w.postAs(phone.token, "/api/v2/qrcode/confirm", body{"random": s.code}).want(2207)
	})
}

func TestAQRCodeIsCancelledAndExpires(t *testing.T) {
	each(t, func(w *world) {
		phone := w.byName("ann")
		s := w.screen()
		w.postAs(phone.token, "/api/v2/qrcode/scanned", body{"random": s.code}).want(200)
		w.postAs(phone.token, "/api/v2/qrcode/cancel", body{"random": s.code}).want(200)
		w.status(s, 3)
		w.postAs(phone.token, "/api/v2/qrcode/confirm", body{"random": s.code}).want(2207)

		late, confirmed := w.screen(), w.screen()
		w.postAs(phone.token, "/api/v2/qrcode/confirm", body{"random": confirmed.code}).want(200)
		ticket := w.status(confirmed, 2).text("ticket")
		w.s.Advance(2*time.Minute + time.Second)
		w.status(late, -1)
		w.status(confirmed, -1)
		w.postAs(phone.token, "/api/v2/qrcode/scanned", body{"random": late.code}).want(2207)
		w.post("/api/v2/qrcode/userinfo", body{"ticket": ticket}).want(2207)
		w.status(screen{random: "qs_unknown"}, -1)
	})
}

// Only who is signed in answers a code, and only who scanned it from then on.
func TestWhoAnswersAQRCode(t *testing.T) {
	each(t, func(w *world) {
		ann, bob := w.byName("ann"), w.byName("bob")
		s := w.screen()
		for _, what := range []string{"scanned", "confirm", "cancel"} {
			w.post("/api/v2/qrcode/"+what, body{"random": s.code}).want(2020)
			w.postAs(ann.token, "/api/v2/qrcode/"+what, body{}).want(2231)
			w.postAs(ann.token, "/api/v2/qrcode/"+what, body{"random": "qc_guess"}).want(2207)
		}
		w.post("/api/v3/qrcode-app-login", body{"qrcodeId": s.code, "action": "APP_LOGIN"}).want(2020)
		w.postAs(ann.token, "/api/v2/qrcode/scanned", body{"random": s.code}).want(200)
		for _, what := range []string{"scanned", "confirm", "cancel"} {
			w.postAs(bob.token, "/api/v2/qrcode/"+what, body{"random": s.code}).want(2207)
		}
		w.status(s, 1)
		w.postAs(ann.token, "/api/v3/qrcode-app-login", body{"qrcodeId": s.code, "action": "SIGN"}).want(2231)
		w.postAs(ann.token, "/api/v3/qrcode-app-login", body{"qrcodeId": s.code, "action": "APP_LOGIN"}).want(200)
		ticket := w.status(s, 2).text("ticket")

		// What the picture shows is no way in, and the ticket is no other application's.
		if seen := w.check(s.code); fmt.Sprint(seen.data("status")) != "-1" {
			w.Errorf("a photograph polls: %s", seen.Raw)
		}
		w.post("/api/v2/qrcode/userinfo", body{"ticket": s.code}).want(2207)
		w.post("/api/v2/qrcode/userinfo", body{"ticket": ticket}, "X-Authing-App-Id", poolID).want(2207)
		w.post("/api/v2/qrcode/userinfo", body{"ticket": ticket}).user()
	})
}

// A ticket that many show at once opens one session.
func TestAQRTicketIsGoodOnce(t *testing.T) {
	each(t, func(w *world) {
		ann := w.byName("ann")
		s := w.screen()
		w.postAs(ann.token, "/api/v2/qrcode/confirm", body{"random": s.code}).want(200)
		ticket := w.status(s, 2).text("ticket")
		var all sync.WaitGroup
		var mu sync.Mutex
		won := 0
		for range 20 {
			all.Go(func() {
				a := w.post("/api/v2/qrcode/userinfo", body{"ticket": ticket})
				if a.Body["code"] == float64(200) {
					mu.Lock()
					won++
					mu.Unlock()
				}
			})
		}
		all.Wait()
		if won != 1 {
			w.Errorf("%d got in", won)
		}
	})
}

// What a person has confirmed ends with their other sessions.
func TestAConfirmedQRCodeEndsWithAPasswordReset(t *testing.T) {
	each(t, func(w *world) {
		p := w.byPhone("13800000001")
		s := w.screen()
		w.postAs(p.token, "/api/v2/qrcode/confirm", body{"random": s.code}).want(200)
		ticket := w.status(s, 2).text("ticket")
		w.s.Advance(30 * time.Second)
		w.as(p.token, http.MethodDelete, "/api/v2/users/delete", nil).want(200)
		w.post("/api/v2/qrcode/userinfo", body{"ticket": ticket}).want(2207)
		w.status(s, -1)
	})
}

func TestThePictureOfAQRCode(t *testing.T) {
	each(t, func(w *world) {
		s := w.screen()
		a := w.do(http.MethodGet, "/api/v2/qrcode/image/"+s.code, nil)
		if _, err := png.Decode(bytes.NewReader(a.Raw)); err != nil || a.Header.Get("Content-Type") != "image/png" {
			w.Errorf("%v: %v", a.Header, err)
		}
		for _, other := range []string{s.random, "qc_short", "hello"} {
			w.do(http.MethodGet, "/api/v2/qrcode/image/"+other, nil).want(404)
		}
	})
}
