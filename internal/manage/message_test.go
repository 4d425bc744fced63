package manage_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tigertally/tigertally/api"
	"github.com/tigertally/tigertally/internal/delivery"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/manage"
	"github.com/tigertally/tigertally/internal/operator"
	"github.com/tigertally/tigertally/internal/testkit"
)

// messages is a server whose vendors the simulator plays.
type messages struct {
	*manage.Service

	t   *testing.T
	s   *testkit.Server
	who operator.Principal
}

func withMessages(t *testing.T, fn func(t *testing.T, m messages)) {
	t.Helper()
	testkit.EachWithUpstreams(t, func(t *testing.T, s *testkit.Server) {
		m := messages{s.App.Manage(), t, s, operator.Local("test")}
		_, err := m.CreatePool(t.Context(), m.who, api.NewPool{ID: "other"})
		m.want(err, "")
		fn(t, m)
	})
}

func (m messages) want(err error, code errs.Code) {
	m.t.Helper()
	if got := errs.CodeOf(err); got != code {
		m.t.Fatalf("error = %v, want %q", err, code)
	}
}

func driverRef(poolID, id string) api.MessageDriverRef {
	return api.MessageDriverRef{PoolRef: api.PoolRef{Pool: poolID}, ID: id}
}

// simulated makes a vendor that the simulator plays, with some settings of the test's own.
func (m messages) simulated(poolID, id, kind string, more ...string) api.MessageDriver {
	m.t.Helper()
	kinds, err := m.MessageKinds(m.t.Context(), m.who, api.PoolRef{Pool: poolID})
	m.want(err, "")
	for _, k := range kinds.Items {
		if k.Name != kind {
			continue
		}
		for i := 0; i+1 < len(more); i += 2 {
			k.Simulated[more[i]] = more[i+1]
		}
		d, err := m.PutMessageDriver(m.t.Context(), m.who, api.MessageDriverPut{
			MessageDriverRef: driverRef(poolID, id), Channel: k.Channel, Kind: kind, Settings: k.Simulated,
		})
		m.want(err, "")
		return d
	}
	m.t.Fatalf("there is no vendor %s", kind)
	return api.MessageDriver{}
}

// code asks for a sign-in code, and returns the refusal.
func (m messages) code(phone string) string {
	m.t.Helper()
	a := m.s.Do(http.MethodPost, "/auth/v1/verification?client_id="+devPool, map[string]string{"phone_number": phone, "target": "ANY"})
	return a.String("error")
}

func (m messages) last(to string) api.Delivery {
	m.t.Helper()
	list, err := m.MessageDeliveries(m.t.Context(), m.who, api.DeliveryQuery{PoolRef: api.PoolRef{Pool: devPool}, To: to})
	m.want(err, "")
	if len(list.Items) == 0 {
		m.t.Fatalf("no delivery to %s", to)
	}
	return list.Items[0]
}

func TestMessagesTravelByThePoolsVendorsInTheirOrder(t *testing.T) {
	withMessages(t, func(t *testing.T, m messages) {
		ctx := t.Context()
		if word := m.code("+86 13800001111"); word != "" || m.last("138 0000 1111").Driver != "webhook" {
			t.Errorf("without vendors of its own: %q by %q", word, m.last("13800001111").Driver)
		}
		m.simulated(devPool, "broken", "tencent", "secret_key", "not-the-key-of-the-account")
		m.simulated(devPool, "good", "aliyun")
		m.simulated("other", "good", "twilio")
		if word := m.code("+86 13800002222"); word != "" || m.last("+8613800002222").Driver != "good" {
			t.Errorf("failover: %q by %+v", word, m.last("+8613800002222"))
		}
		_, err := m.DisableMessageDriver(ctx, m.who, driverRef(devPool, "good"))
		m.want(err, "")
		if word := m.code("+86 13800003333"); word != "failed_precondition" {
			t.Errorf("with a broken vendor alone: %q", word)
		}
		if d := m.last("13800003333"); d.Driver != "broken" || d.Status != "failed" || !strings.Contains(d.Reason, "AuthFailure") {
			t.Errorf("got %+v", d)
		}
		_, err = m.EnableMessageDriver(ctx, m.who, driverRef(devPool, "good"))
		m.want(err, "")
		moved, err := m.MoveMessageDriver(ctx, m.who, api.MessageDriverMove{MessageDriverRef: driverRef(devPool, "good"), Position: 1})
		if m.want(err, ""); moved.Position != 1 {
			t.Errorf("moved to %d", moved.Position)
		}
		if word := m.code("+86 13800004444"); word != "" || m.last("13800004444").Driver != "good" {
			t.Errorf("moved: %q", word)
		}
		countries := []string{"+1"}
		_, err = m.PutMessageDriver(ctx, m.who, api.MessageDriverPut{
			MessageDriverRef: driverRef(devPool, "good"), Channel: "sms", Kind: "aliyun", Countries: &countries,
		})
		m.want(err, "")
		_, err = m.RemoveMessageDriver(ctx, m.who, driverRef(devPool, "broken"))
		m.want(err, "")
		if word := m.code("+86 13800005555"); word == "" {
			t.Error("a vendor was asked for a country that is not its")
		}
	})
}

func TestTestMessagesSayWhatTheVendorSays(t *testing.T) {
	withMessages(t, func(t *testing.T, m messages) {
		ctx := t.Context()
		try := func(id, to string) (api.TestResult, error) {
			return m.TestMessageDriver(ctx, m.who, api.TestMessage{MessageDriverRef: driverRef(devPool, id), To: to})
		}
		for _, kind := range []string{"tencent", "aliyun", "twilio", "webhook"} {
			m.simulated(devPool, kind, kind)
			r, err := try(kind, "138 0000 1111")
			if m.want(err, ""); !r.Taken || r.VendorID == "" || r.Driver != kind {
				t.Errorf("%s: %+v", kind, r)
			}
			d, err := m.MessageDelivery(ctx, m.who, api.DeliveryRef{PoolRef: api.PoolRef{Pool: devPool}, ID: r.Delivery})
			if m.want(err, ""); d.Status != "sent" || d.Driver != kind {
				t.Errorf("%s: %+v", kind, d)
			}
			_, err = m.MessageDelivery(ctx, m.who, api.DeliveryRef{PoolRef: api.PoolRef{Pool: "other"}, ID: r.Delivery})
			m.want(err, errs.DeliveryNotFound)
		}
		m.simulated(devPool, "mail", "smtp")
		if r, err := try("mail", "Mike@Example.com"); err != nil || !r.Taken {
			t.Errorf("mail: %+v %v", r, err)
		}
		m.simulated(devPool, "broken", "tencent", "secret_key", "not-the-key-of-the-account")
		r, err := try("broken", "+8613800001111")
		if m.want(err, ""); r.Taken || r.Class != "misconfigured" || r.VendorCode != "AuthFailure.SignatureFailure" || r.Maybe {
			t.Errorf("a wrong secret: %+v", r)
		}
		_, err = try("tencent", "nobody")
		m.want(err, errs.PhoneInvalid)
		for range 14 {
			_, err = try("webhook", "13800001111")
			m.want(err, "")
		}
		_, err = try("webhook", "13900001111")
		m.want(err, errs.TestTooOften)
		if word := m.code("+86 13800001111"); word != "" {
			t.Errorf("test messages count against people: %s", word)
		}
	})
}

// Nothing an administrator is answered, and nothing on record, holds a secret.
func TestSecretsOfVendorsAreNeverShown(t *testing.T) {
	withMessages(t, func(t *testing.T, m messages) {
		ctx, ref := t.Context(), api.PoolRef{Pool: devPool}
		const secret = "sim-secret-key-0000000000000001"
		var answers []any
		made := m.simulated(devPool, "tencent", "tencent")
		list, err := m.MessageDrivers(ctx, m.who, ref)
		m.want(err, "")
		one, err := m.MessageDriver(ctx, m.who, driverRef(devPool, "tencent"))
		m.want(err, "")
		records, err := m.Audit(ctx, m.who, api.AuditQuery{PoolRef: ref})
		m.want(err, "")
		answers = append(answers, made, list, one, records)
		text, err := json.Marshal(answers)
		m.want(err, "")
		if strings.Contains(string(text), secret) || !strings.Contains(string(text), `"secrets":["secret_key"]`) {
			t.Errorf("answers: %s", text)
		}
		change := func(settings map[string]string) error {
			_, err := m.PutMessageDriver(ctx, m.who, api.MessageDriverPut{
				MessageDriverRef: driverRef(devPool, "tencent"), Channel: "sms", Kind: "tencent", Settings: settings,
			})
			return err
		}
		m.want(change(map[string]string{"sign_name": "Shop"}), "") // the secret stays
		m.want(change(map[string]string{"base": "https://attacker.example"}), errs.FieldMissing)
		m.want(change(map[string]string{"allow": "10.0.0.0/8"}), errs.MessageDriverInvalid)
		m.want(change(map[string]string{"app_id": ""}), errs.FieldMissing)
		_, err = m.PutMessageDriver(ctx, m.who, api.MessageDriverPut{
			MessageDriverRef: driverRef(devPool, "file"), Channel: "sms", Kind: "log",
			Settings: map[string]string{"path": "/tmp/x", "development": "true"},
		})
		m.want(err, errs.BadRequest)
		stale := api.MessageDriverPut{MessageDriverRef: driverRef(devPool, "tencent"), Channel: "sms", Kind: "tencent", Guarded: api.Guarded{IfMatch: api.ETag(made)}}
		_, err = m.PutMessageDriver(ctx, m.who, stale)
		m.want(err, errs.EditConflict)
	})
}

// MT-01: whoever is confined to one pool reaches no other, and other pools change nothing.
func TestMessagesOfOnePoolAreNobodyElses(t *testing.T) {
	withMessages(t, func(t *testing.T, m messages) {
		ctx := t.Context()
		m.simulated(devPool, "tencent", "tencent")
		confined := operator.Principal{Kind: operator.KindKey, ID: "k", Role: operator.Operator, Scopes: operator.Operator.Scopes(), Pools: []string{"other"}}
		_, err := m.MessageDrivers(ctx, confined, api.PoolRef{Pool: devPool})
		m.want(err, errs.PoolNotFound)
		_, err = m.MessageDriver(ctx, confined, driverRef("other", "tencent"))
		m.want(err, errs.MessageDriverNotFound)
		_, err = m.TestMessageDriver(ctx, confined, api.TestMessage{MessageDriverRef: driverRef("other", "tencent"), To: "13800001111"})
		m.want(err, errs.MessageDriverNotFound)
		reader := operator.Principal{Kind: operator.KindKey, ID: "r", Role: operator.ReadOnly, Scopes: operator.ReadOnly.Scopes()}
		_, err = m.RemoveMessageDriver(ctx, reader, driverRef(devPool, "tencent"))
		m.want(err, errs.PermissionDenied)
		if word := m.code("+86 13800001111"); word != "" {
			t.Fatal(word)
		}
		list, err := m.MessageDeliveries(ctx, confined, api.DeliveryQuery{PoolRef: api.PoolRef{Pool: "other"}, To: "13800001111"})
		if m.want(err, ""); len(list.Items) != 0 {
			t.Errorf("another pool sees %+v", list.Items)
		}
	})
}

func TestWordsOfAPoolAreSent(t *testing.T) {
	withMessages(t, func(t *testing.T, m messages) {
		ctx := t.Context()
		ref := api.MessageTemplateRef{PoolRef: api.PoolRef{Pool: devPool}, Name: "default", Channel: "sms", Lang: "zh-CN"}
		before, err := m.Template(ctx, m.who, ref)
		m.want(err, "")
		for text, want := range map[string]errs.Code{"hello": errs.TemplateWithoutCode, "{code} {password}": errs.TemplateUnknownWord, "": errs.FieldMissing} {
			_, err := m.PutTemplate(ctx, m.who, api.MessageTemplatePut{MessageTemplateRef: ref, Text: text})
			m.want(err, want)
		}
		own, err := m.PutTemplate(ctx, m.who, api.MessageTemplatePut{MessageTemplateRef: ref, Text: "Shop {code}", Guarded: api.Guarded{IfMatch: api.ETag(before)}})
		if m.want(err, ""); !own.Own || own.Size.Parts != 1 || own.BuiltIn.Text != before.Text {
			t.Errorf("put: %+v", own)
		}
		_, err = m.PutTemplate(ctx, m.who, api.MessageTemplatePut{MessageTemplateRef: ref, Text: "{code}", Guarded: api.Guarded{IfMatch: api.ETag(before)}})
		m.want(err, errs.EditConflict)
		r, err := m.PreviewTemplate(ctx, m.who, api.MessagePreview{MessageTemplateRef: ref})
		if m.want(err, ""); r.Text != "Shop 246810" {
			t.Errorf("preview: %q", r.Text)
		}
		mail := ref
		mail.Channel = "email"
		r, err = m.PreviewTemplate(ctx, m.who, api.MessagePreview{MessageTemplateRef: mail, Text: "<script>x</script>\n\n{code}"})
		if m.want(err, ""); strings.Contains(r.HTML, "<script") || !strings.Contains(r.HTML, "&lt;script&gt;") {
			t.Errorf("preview: %s", r.HTML)
		}
		back, err := m.ResetTemplate(ctx, m.who, ref)
		if m.want(err, ""); back.Own || back.Text != before.Text {
			t.Errorf("reset: %+v", back)
		}
		list, err := m.Templates(ctx, m.who, ref.PoolRef)
		if m.want(err, ""); len(list.Items) != 2*(2*16-1) {
			t.Errorf("%d templates", len(list.Items))
		}
	})
}

func TestAddressesThatMailCameBackFromAreForgivenByTheirPool(t *testing.T) {
	withMessages(t, func(t *testing.T, m messages) {
		ctx := t.Context()
		d := m.s.App.Deliveries
		for _, to := range []string{"gone@example.com", "else@example.com"} {
			poolID := devPool
			if to == "else@example.com" {
				poolID = "other"
			}
			_, err := d.Begin(ctx, delivery.Message{ID: to, PoolID: poolID, Channel: "email", To: to})
			m.want(err, "")
			m.want(d.Bounced(ctx, to, "5.1.1"), "")
		}
		all := api.SuppressionQuery{PoolRef: api.PoolRef{Pool: devPool}}
		list, err := m.Suppressions(ctx, m.who, all)
		if m.want(err, ""); len(list.Items) != 1 || list.Items[0].Status != "5.1.1" {
			t.Fatalf("got %+v", list.Items)
		}
		all.To = "Gone@Example.com"
		found, err := m.Suppressions(ctx, m.who, all)
		if m.want(err, ""); len(found.Items) != 1 || found.Items[0].ID != list.Items[0].ID {
			t.Errorf("by address: %+v", found.Items)
		}
		forgive := func(id string) error {
			_, err := m.ForgiveSuppression(ctx, m.who, api.SuppressionRef{PoolRef: api.PoolRef{Pool: devPool}, ID: id})
			return err
		}
		m.want(forgive("else@example.com"), errs.DeliveryNotFound) // another pool's
		m.want(forgive(list.Items[0].ID), "")
		m.want(forgive("gone@example.com"), errs.DeliveryNotFound)
		if blocked, err := d.Suppressed(ctx, "gone@example.com"); blocked || err != nil {
			t.Errorf("still blocked: %v", err)
		}
	})
}

func TestTestNumbersHaveTheirCodeUntilADay(t *testing.T) {
	withMessages(t, func(t *testing.T, m messages) {
		ctx, ref := t.Context(), api.PoolRef{Pool: devPool}
		put := func(number, code, until string) error {
			_, err := m.PutTestNumber(ctx, m.who, api.TestNumberPut{TestNumberRef: api.TestNumberRef{PoolRef: ref, Number: number}, Code: code, Until: until})
			return err
		}
		day := time.Now().AddDate(0, 0, 2).UTC().Format("2006-01-02")
		m.want(put("138 1234 5678", "135790", day), "")
		m.want(put("13812345678", "13", day), errs.BadRequest)
		m.want(put("13812345678", "135790", "2020-01-01"), errs.BadRequest)
		m.want(put("13812345678", "135790", "tomorrow"), errs.BadRequest)
		m.want(put("nobody", "135790", day), errs.PhoneInvalid)
		list, err := m.TestNumbers(ctx, m.who, ref)
		if m.want(err, ""); len(list.Items) != 1 || list.Items[0].Number != "+8613812345678" {
			t.Errorf("got %+v", list.Items)
		}
		_, err = m.RemoveTestNumber(ctx, m.who, api.TestNumberRef{PoolRef: ref, Number: "+86 13812345678"})
		m.want(err, "")
		if list, err = m.TestNumbers(ctx, m.who, ref); err != nil || len(list.Items) != 0 {
			t.Errorf("got %+v %v", list.Items, err)
		}
	})
}
