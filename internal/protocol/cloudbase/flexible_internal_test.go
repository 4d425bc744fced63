package cloudbase

import (
	"encoding/json"
	"testing"
)

func TestTokensComeAsTextOrAsTheAnswerTheyWereIn(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{`"t"`, "t"},
		{`{"accessToken":"t","env":"e"}`, "t"},
		{`{"sudo_token":"t","expires_in":900}`, "t"},
		{`{"verification_token":"t"}`, "t"},
		{`{"access_token":"t"}`, "t"},
	} {
		var got token
		if err := json.Unmarshal([]byte(c.in), &got); err != nil || string(got) != c.want {
			t.Errorf("%s became %q, %v", c.in, got, err)
		}
	}
	for _, in := range []string{`{}`, `{"other":"t"}`, `[]`, `true`, `{"accessToken":{}}`} {
		if err := json.Unmarshal([]byte(in), new(token)); err == nil {
			t.Errorf("%s was accepted", in)
		}
	}
}

func TestDigitsMayBeANumber(t *testing.T) {
	for _, c := range []struct{ in, want string }{{`"012345"`, "012345"}, {`123456`, "123456"}} {
		var got text
		if err := json.Unmarshal([]byte(c.in), &got); err != nil || string(got) != c.want {
			t.Errorf("%s became %q, %v", c.in, got, err)
		}
	}
	if err := json.Unmarshal([]byte(`{}`), new(text)); err == nil {
		t.Error("an object was accepted as text")
	}
}

func TestPhoneNumbersShowOneSpace(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"+8613800000000", "+86 13800000000"}, {"+12025550123", "+1 2025550123"}, {"", ""},
	} {
		if got := phoneNumber(c.in); got != c.want {
			t.Errorf("%s is shown as %q", c.in, got)
		}
	}
}
