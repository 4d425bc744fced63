package upsim

import (
	"encoding/base64"
	"encoding/json"
	"mime"
	"os"
	"strings"
	"testing"
	"time"
)

// signinVector reads one value that verifiers are pinned to.
func signinVector(t *testing.T, id string, inputs, expected any) {
	t.Helper()
	text, err := os.ReadFile("testdata/signin_vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Vectors []struct {
			ID       string          `json:"id"`
			Inputs   json.RawMessage `json:"inputs"`
			Expected json.RawMessage `json:"expected"`
		} `json:"vectors"`
	}
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	for _, v := range file.Vectors {
		if v.ID == id {
			if json.Unmarshal(v.Inputs, inputs) != nil || json.Unmarshal(v.Expected, expected) != nil {
				t.Fatalf("vector %s is malformed", id)
			}
			return
		}
	}
	t.Fatalf("no vector %s", id)
}

func one(user, password string) passwords {
	return func(asked string) (string, bool) { return password, asked == user }
}

// say goes through an exchange, and returns the last challenge and the result.
func say(m sasl, lines ...string) (challenge string, ok bool) {
	for _, line := range lines {
		var done bool
		if challenge, done = m.next(line); done {
			break
		}
	}
	_, ok = m.result()
	return challenge, ok
}

func TestSASLPlainVector(t *testing.T) {
	var in struct{ Authcid, Password string }
	var want string
	signinVector(t, "sasl.plain", &in, &want)
	raw, err := base64.StdEncoding.DecodeString(want)
	if err != nil {
		t.Fatal(err)
	}
	good := string(raw)
	for name, line := range map[string]string{
		"vector": good, "password": good[:len(good)-1] + "x", "cut": good[:len(good)-1], "longer": good + "x", "user": "\x00tom\x00" + in.Password,
		"acts for another": "other" + good, "two parts": good[1:], "four parts": good + "\x00", "case": strings.ToUpper(good), "spaces": " " + good,
	} {
		if _, ok := say(&saslPlain{passwords: one(in.Authcid, in.Password)}, line); ok != (name == "vector") {
			t.Errorf("%s: %v", name, ok)
		}
	}
}

func TestSASLCRAMVector(t *testing.T) {
	var in struct{ Secret, Challenge string }
	var want string
	signinVector(t, "sasl.cram-md5", &in, &want)
	for name, line := range map[string]string{
		"vector": "tim " + want, "digest": "tim " + want[1:] + "0", "cut": "tim " + want[1:], "upper case": "tim " + strings.ToUpper(want), "user": "tom " + want,
		"no user": want, "two spaces": "tim  x" + want, "password": "tim " + in.Secret, "empty": "", "tab": "tim\t" + want,
	} {
		m := &saslCRAM{passwords: one("tim", in.Secret), challenge: in.Challenge}
		if _, ok := say(m, "", line); ok != (name == "vector") {
			t.Errorf("%s: %v", name, ok)
		}
	}
}

func TestSASLSCRAMVector(t *testing.T) {
	var in struct {
		User, Password string
		Bare           string `json:"client_first_bare"`
		First          string `json:"server_first"`
		Final          string `json:"client_final_without_proof"`
	}
	var want struct {
		Proof     string
		Signature string `json:"server_signature"`
	}
	signinVector(t, "sasl.scram-sha-256", &in, &want)
	attributes := scramAttributes(in.First)
	salt, err := base64.StdEncoding.DecodeString(attributes["s"])
	if err != nil {
		t.Fatal(err)
	}
	ours := strings.TrimPrefix(attributes["r"], scramAttributes(in.Bare)["r"])
	fresh := func() *saslSCRAM { return &saslSCRAM{passwords: one(in.User, in.Password), nonce: ours, salt: salt} }
	if first, _ := fresh().next("n,," + in.Bare); first != in.First {
		t.Errorf("server first: %s", first)
	}
	final := in.Final + ",p=" + want.Proof
	if signature, ok := say(fresh(), "n,,"+in.Bare, final); !ok || signature != "v="+want.Signature {
		t.Errorf("vector: %v %s", ok, signature)
	}
	for name, lines := range map[string][]string{
		"proof":            {"n,," + in.Bare, in.Final + ",p=A" + want.Proof[1:]},
		"no proof":         {"n,," + in.Bare, in.Final},
		"cut proof":        {"n,," + in.Bare, final[:len(final)-2]},
		"nonce":            {"n,," + in.Bare, strings.Replace(final, "%hvY", "%hvZ", 1)},
		"own nonce only":   {"n,," + in.Bare, "c=biws," + in.Bare[len("n=user,"):] + ",p=" + want.Proof},
		"channel binding":  {"n,," + in.Bare, strings.Replace(final, "c=biws", "c=eSws", 1)},
		"wants binding":    {"p=tls-unique,," + in.Bare, final},
		"header differs":   {"y,," + in.Bare, final},
		"other user":       {"n,," + strings.Replace(in.Bare, "user", "usex", 1), final},
		"acts for another": {"n,a=other," + in.Bare, final},
	} {
		if _, ok := say(fresh(), lines...); ok {
			t.Errorf("%s is accepted", name)
		}
	}
}

// rfc8463 is the message of RFC 8463 appendix A with both of its signatures.
const rfc8463 = "DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;\r\n d=football.example.com; i=@football.example.com;\r\n" +
	" q=dns/txt; s=brisbane; t=1528637909; h=from : to :\r\n subject : date : message-id : from : subject : date;\r\n" +
	" bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n" +
	" b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus\r\n Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==\r\n" +
	"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;\r\n d=football.example.com; i=@football.example.com;\r\n" +
	" q=dns/txt; s=test; t=1528637909; h=from : to : subject :\r\n date : message-id : from : subject : date;\r\n" +
	" bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n" +
	" b=F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3\r\n DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2Jz\r\n" +
	" dA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8=\r\n" +
	"From: Joe SixPack <joe@football.example.com>\r\nTo: Suzie Q <suzie@shopping.example.net>\r\nSubject: Is dinner ready?\r\n" +
	"Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\nMessage-ID: <20030712040037.46341.5F8J@football.example.com>\r\n\r\n" +
	"Hi.\r\n\r\nWe lost the game.  Are you hungry yet?\r\n\r\nJoe.\r\n"

type dkimInputs struct {
	P, D, S, B string
	Body       string
	Signed     string `json:"signed_bytes"`
}

func TestDKIMVectors(t *testing.T) {
	var ed, rs, body dkimInputs
	var ok bool
	var hash string
	signinVector(t, "dkim.rfc8463.ed25519", &ed, &ok)
	signinVector(t, "dkim.rfc8463.rsa", &rs, &ok)
	signinVector(t, "dkim.bodyhash", &body, &hash)
	if err := checkBody(map[string]string{"bh": hash}, "simple", []byte(body.Body)); err != nil {
		t.Error(err)
	}
	records := map[string]string{
		"brisbane.football.example.com": "v=DKIM1; k=ed25519; p=" + ed.P, "test.football.example.com": "v=DKIM1; k=rsa; p=" + rs.P,
	}
	keys := func(selector, domain string) string { return records[selector+"."+domain] }
	at := time.Unix(1528637909, 0)
	if got, why := verifyDKIM([]byte(rfc8463), at, keys); got != dkimPass {
		t.Fatalf("the message of RFC 8463: %s %v", got, why)
	}
	fields, _ := splitMessage([]byte(rfc8463))
	for i, want := range []string{ed.Signed, rs.Signed} {
		tags, err := dkimTags(fields[i].value())
		if err != nil {
			t.Fatal(err)
		}
		if got := signedHeader(fields, i, tags["h"], true); got != want {
			t.Errorf("signed bytes:\n%q\n%q", got, want)
		}
	}
	for name, c := range map[string]struct{ from, to, want string }{
		"a word of the body":           {"lost", "won", "the body was changed"},
		"text after the body":          {"Joe.\r\n", "Joe.\r\nMore.\r\n", "the body was changed"},
		"white space is nothing":       {"Is dinner ready?", "Is  dinner\r\n\tready? ", ""},
		"empty lines at the end":       {"Joe.\r\n", "Joe.\r\n\r\n\r\n", ""},
		"the subject":                  {"Is dinner", "Is lunch", "the signature is wrong"},
		"another From above":           {"From: Joe", "From: Eve <eve@evil.example>\r\nFrom: Joe", "the signature is wrong"},
		"the date":                     {"11 Jul", "12 Jul", "the signature is wrong"},
		"case of a signature":          {"b=/gCr", "b=/GCr", "the signature is wrong"},
		"cut signature":                {"p1Q1Dw==", "p1Q1", "the signature is wrong"},
		"no base64":                    {"b=/gCr", "b=!gCr", "b= is no base64"},
		"selector":                     {"s=brisbane", "s=sydney", "there is no key sydney of football.example.com"},
		"domain":                       {"d=football.example.com; i=@football.example.com", "d=evil.example; i=@evil.example", "there is no key brisbane of evil.example"},
		"identity of another domain":   {"i=@football.example.com", "i=@example.com", "i= is not below d="},
		"algorithm of another key":     {"a=ed25519-sha256", "a=rsa-sha256", "the key is of another kind"},
		"weak algorithm":               {"a=rsa-sha256", "a=rsa-sha1", "algorithm rsa-sha1 is not accepted"},
		"a length that leaves a door":  {"q=dns/txt; s=brisbane", "l=10; s=brisbane", "l= leaves a part of the body unsigned"},
		"expired":                      {"t=1528637909", "x=1528637908", "the signature is expired"},
		"From is not among the signed": {"h=from : to :\r\n subject : date : message-id : from :", "h=to :\r\n subject : date : message-id :", "field From is not signed"},
		"a tag twice":                  {"v=1;", "v=1; v=2;", "tag v= is there twice"},
	} {
		changed := strings.Replace(rfc8463, c.from, c.to, 1)
		got, why := verifyDKIM([]byte(changed), at, keys)
		if changed == rfc8463 || (got == dkimPass) != (c.want == "") || !strings.Contains(strings.Join(why, "\n"), c.want) {
			t.Errorf("%s: %s %v", name, got, why)
		}
	}
	if got, _ := verifyDKIM([]byte("From: a@b.example\r\n\r\nHi\r\n"), at, keys); got != dkimNone {
		t.Error(got)
	}
}

func TestRFC2047Vectors(t *testing.T) {
	var in struct{ Text, Encoded string }
	var encoded, decoded string
	signinVector(t, "mime.rfc2047.subject", &in, &encoded)
	subject := in.Text
	signinVector(t, "mime.rfc2047.q", &in, &decoded)
	head := "Date: Fri, 11 Jul 2003 21:00:37 -0700\r\nMessage-ID: <1@example.test>\r\nFrom: " + in.Encoded + " <a@example.test>\r\n"
	r := readMail([]byte(head+"Subject: "+encoded+"\r\n\r\nHi\r\n"), false, false)
	if len(r.problems) > 0 || r.headers["Subject"][0] != subject || r.headers["From"][0] != decoded+" <a@example.test>" {
		t.Errorf("%v %v", r.headers, r.problems)
	}
	split := mime.BEncoding.Encode("UTF-8", subject)
	long := "=?UTF-8?B?" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat(subject, 3))) + "?="
	half := "=?UTF-8?B?" + base64.StdEncoding.EncodeToString([]byte(subject[:4])) + "?="
	for name, c := range map[string]struct{ subject, want string }{
		"as the library writes it": {split, ""},
		"too long":                 {long, "an encoded word of more than 75 characters in subject"},
		"half a character":         {half, "an encoded word that cannot be read alone in subject"},
		"no base64":                {"=?UTF-8?B?!?=", "an encoded word that cannot be read alone in subject"},
		"unknown charset":          {"=?X-1?B?AAAA?=", "an encoded word that cannot be read alone in subject"},
		"raw":                      {subject, "raw 8-bit in header subject"},
		"bare LF":                  {"a\nb", "bare LF"},
		"bare CR":                  {"a\rb", "bare CR"},
		"NUL":                      {"a\x00b", "a NUL"},
		"long line":                {strings.Repeat("x", 1000), "a line of more than 998 bytes"},
		"twice":                    {"a\r\nSubject: b", "Subject is there more than once"},
	} {
		r := readMail([]byte(head+"Subject: "+c.subject+"\r\n\r\nHi\r\n"), false, false)
		if strings.Join(r.problems, ",") != c.want {
			t.Errorf("%s: %v", name, r.problems)
		}
	}
}

func TestDingTalkSignatureVector(t *testing.T) {
	var in struct {
		Secret    string `json:"appSecret"`
		Timestamp string
	}
	var want string
	signinVector(t, "dingtalk.sns.signature", &in, &want)
	if got := dingTalkSignature(in.Secret, in.Timestamp); got != want {
		t.Error(got)
	}
}

func FuzzReadMail(f *testing.F) {
	f.Add([]byte(rfc8463))
	f.Add([]byte("Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\n--x--\r\n"))
	f.Fuzz(func(_ *testing.T, raw []byte) {
		readMail(raw, false, false)
		verifyDKIM(raw, time.Time{}, func(string, string) string { return "p=" })
		say(newSASL("SCRAM-SHA-256", "n", one("u", "p")), "n,,n=u,r=x", string(raw))
	})
}
