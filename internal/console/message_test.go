package console_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/tigertally/tigertally/internal/testkit"
)

// A preview of a mail runs no script, reaches no cookie and loads nothing, whatever was
// typed, and no page repeats a vendor's secret.
func TestMessagesAreShownSafely(t *testing.T) {
	testkit.EachWithUpstreams(t, func(t *testing.T, s *testkit.Server) {
		b := owner(t, s)
		const base = "/console/pools/dev/messages"
		b.get(base)
		shown := b.post(base+"/templates/sign_in/email/en", "subject", "Hi", "text", "<script>alert(1)</script>\n\n{code}")
		policy := shown.header.Get("Content-Security-Policy")
		for _, want := range []string{"sandbox;", "default-src 'none'", "frame-ancestors 'self'", "form-action 'none'"} {
			if !strings.Contains(policy, want) {
				t.Errorf("the policy %q lacks %s", policy, want)
			}
		}
		if strings.Contains(policy, "allow-") || strings.Contains(shown.body, "<script") || !strings.Contains(shown.body, "246810") {
			t.Errorf("preview: %s %s", policy, shown.body)
		}
		b.get(base)
		wrong := b.post(base+"/templates/sign_in/sms/en", "text", "{nope}")
		if !strings.Contains(wrong.body, "{nope}") || !strings.Contains(wrong.header.Get("Content-Security-Policy"), "sandbox;") {
			t.Errorf("refused words: %d %s", wrong.status, wrong.body)
		}
		b.get(base)
		b.post(base, "do", "simulate", "channel", "sms", "kind", "tencent")
		page := b.get(base + "/drivers/tencent")
		if strings.Contains(page.body, "sim-secret-key") || !strings.Contains(page.body, "AKIDsim") {
			t.Error("the page of a vendor shows its secret, or nothing at all")
		}
		tested := b.post(base+"/drivers/tencent/test", "to", "13800001111")
		if !strings.Contains(tested.body, url.PathEscape("messages")+"/deliveries/") {
			t.Errorf("the result of a test message leads nowhere: %d", tested.status)
		}
	})
}
