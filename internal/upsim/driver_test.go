package upsim_test

import (
	"testing"

	"github.com/tigertally/tigertally/internal/onetap"
	"github.com/tigertally/tigertally/internal/sms"
	"github.com/tigertally/tigertally/internal/upsim"
)

// The server's own drivers, written apart from the verifiers, are understood.
func TestTheServersDriversAreAccepted(t *testing.T) {
	s := start(t, vectorTime)
	for n, method := range []string{"", "MD5", "SHA1", "SHA256"} {
		v, err := onetap.New("yidun", map[string]string{
			"secret_id": "sim_secret_id_0000000000000000001", "secret_key": "sim_secret_key_000000000000000001",
			"business_id": "sim_business_id_00000000000000001", "signature_method": method, "base": s.Bases().Yidun,
		}, s.Now)
		if err != nil {
			t.Fatal(err)
		}
		token := "SIM-OT-alice-" + jsonText(t, n)
		if number, err := v.Phone(t.Context(), token, token); err != nil || number != "+8613800000001" {
			t.Errorf("%q: %s %v", method, number, err)
		}
		if _, err := v.Phone(t.Context(), token, token); err == nil {
			t.Errorf("%q: a token worked twice", method)
		}
	}
	d, err := sms.New("webhook", map[string]string{"url": s.Bases().Webhook, "secret": "sim-webhook-secret-0000000000001", "sign_name": "T"}, s.Now)
	if err != nil {
		t.Fatal(err)
	}
	m := sms.Message{ID: "m1", To: "+8613800000001", Template: "sign_in", Lang: "en", Params: map[string]string{"code": "246810"}, Text: "Your code is 246810"}
	if _, err := d.Send(t.Context(), m); err != nil {
		t.Error(err)
	}
	inbox := s.SMS("+8613800000001")
	if len(inbox) != 1 || inbox[0].Code != "246810" || inbox[0].Context != "m1" || inbox[0].SignName != "T" {
		t.Errorf("%+v", inbox)
	}
	if _, err := s.Arm(upsim.Fault{Match: upsim.Match{Upstream: "webhook"}, Fault: "H500"}); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Send(t.Context(), m); err == nil {
		t.Error("a gateway that answers 500 took the message")
	}
}
