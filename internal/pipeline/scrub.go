package pipeline

import (
	"encoding/json"
	"slices"
	"strings"
)

// secretKeys are names under which requests carry what proves somebody, without case
// and separators (JS-04). Names that merely contain such a word, as inviteCode does, are
// the app's own business.
func secretKeys() []string {
	return []string{
		"accesstoken", "apikey", "appsecret", "authorization", "captcha", "captchacode", "captchatoken", "clientsecret",
		"code", "codeverifier", "cookie", "emailcode", "emailpasscode", "emailtoken", "firstlogintoken", "idtoken", "jwt",
		"mfatoken", "newpassword", "oldemailcode", "oldpassword", "oldphonecode", "onetapaccess", "onetaptoken", "otp",
		"passcode", "passwd", "password", "passwordhash", "passwordtoken", "phonecode", "phonepasscode", "phonetoken",
		"privatekey", "recoverycode", "refreshtoken", "registertoken", "secret", "smscode", "sudotoken", "ticket", "token",
		"totp", "verificationcode", "verificationtoken", "verifycode", "verifytoken",
	}
}

func isSecret(key string) bool {
	key = strings.ToLower(strings.NewReplacer("_", "", "-", "").Replace(key))
	_, found := slices.BinarySearch(secretKeys(), key)
	return found
}

// plainCopy is v as JSON has it, sharing nothing with it.
func plainCopy(v any) (any, error) {
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	var out any
	return out, json.Unmarshal(raw, &out)
}

// scrubbed is a copy of m without secrets at any depth.
func scrubbed(m map[string]any) (map[string]any, error) {
	v, err := plainCopy(m)
	if err != nil {
		return nil, err
	}
	out, _ := v.(map[string]any)
	if out == nil {
		out = map[string]any{}
	}
	scrub(out)
	return out, nil
}

// scrub removes secrets from plain JSON values.
func scrub(v any) {
	switch v := v.(type) {
	case map[string]any:
		for k, x := range v {
			if isSecret(k) {
				delete(v, k)
			} else {
				scrub(x)
			}
		}
	case []any:
		for _, x := range v {
			scrub(x)
		}
	}
}
