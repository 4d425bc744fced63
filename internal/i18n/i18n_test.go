package i18n_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/i18n"
)

func catalog(t *testing.T, lang string) i18n.Catalog {
	t.Helper()
	text, err := os.ReadFile(lang + ".txt")
	if err != nil {
		t.Fatal(err)
	}
	c, err := i18n.Parse(string(text))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestEveryCodeHasATextInEveryLanguage(t *testing.T) {
	codes := make([]string, 0, len(errs.Codes()))
	for _, c := range errs.Codes() {
		codes = append(codes, string(c))
	}
	slices.Sort(codes)
	for _, lang := range i18n.Languages() {
		keys := make([]string, 0, len(codes))
		for key := range catalog(t, lang) {
			keys = append(keys, key)
		}
		slices.Sort(keys)
		if diff := cmp.Diff(codes, keys); diff != "" {
			t.Errorf("%s.txt and the codes differ (-codes +texts):\n%s", lang, diff)
		}
	}
}

func TestTranslationsHaveTheSamePlaceholders(t *testing.T) {
	names := regexp.MustCompile(`\{[a-z_]+\}`)
	reference := catalog(t, i18n.Chinese)
	for _, lang := range i18n.Languages() {
		for key, text := range catalog(t, lang) {
			want, got := names.FindAllString(reference[key], -1), names.FindAllString(text, -1)
			slices.Sort(want)
			slices.Sort(got)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s.txt, %s: placeholders differ from %s:\n%s", lang, key, i18n.Chinese, diff)
			}
		}
	}
}

// The CloudBase SDK derives AuthError.category from words in the text when the number
// does not decide it, in this order.
var (
	verificationWords = []string{"验证码", "verification", "过期", "token expired"}
	providerWords     = []string{"开启", "登录方式", "未启用", "not enabled", "login method", "身份源"}
	credentialWords   = []string{"password", "credentials", "验证码"}
	absenceWords      = []string{"不存在", "not found", "未注册"}
)

func TestCloudBaseReadsTheMeantCategoryFromTheTexts(t *testing.T) {
	const none = ""
	// What an SDK should find in the text of the code, "" for no trap word at all.
	special := map[errs.Code]string{ //nolint:exhaustive // the rest have no such word
		errs.CodeWrong:           "verification",
		errs.VerificationInvalid: "verification",
		errs.MethodDisabled:      "provider",
		errs.ProviderUnknown:     "provider",
		errs.PasswordNotSet:      "credential",
		errs.SecondFactorWrong:   "credential",
	}
	for _, code := range errs.Codes() {
		want, decidedByWords := special[code]
		// These answer numbers or names of their own that win over every word.
		switch code {
		case errs.CaptchaRequired, errs.CaptchaInvalid, errs.CaptchaWrong, errs.UserNotFound,
			errs.RouteNotFound, errs.PoolNotFound, errs.KeyNotFound, errs.ClientUnknown,
			errs.TokenInvalid, errs.SudoInvalid, errs.PasswordWrong:
			continue
		default:
		}
		switch code { // no CloudBase client hears them
		case errs.SignInWrong, errs.PasswordMustChange,
			errs.OperatorNotFound, errs.APIKeyNotFound, errs.FormStale, errs.BackupNotFound, errs.RecordNotFound, errs.WebhookNotFound, errs.APIKeyInvalid, errs.BootstrapInvalid, errs.ProviderSettings:
			continue
		default:
		}
		if !decidedByWords {
			want = none
		}
		for _, lang := range i18n.Languages() {
			text := i18n.Text(lang, code, nil)
			if got := category(text, want); got != want {
				t.Errorf("%s in %s is read as %q, want %q: %s", code, lang, got, want, text)
			}
		}
	}
}

// category is the first group that has a word in text; verification words count only
// where they are meant, because they need number 3 on the wire as well.
func category(text, want string) string {
	text = strings.ToLower(text)
	in := func(words []string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(text, w) })
	}
	switch {
	case want != "credential" && in(verificationWords):
		return "verification"
	case in(providerWords):
		return "provider"
	case in(absenceWords):
		return "absence"
	case want == "credential" && (in(credentialWords) || in(verificationWords)):
		return "credential"
	case in(credentialWords):
		return "credential"
	}
	return ""
}

func TestTextFillsPlaceholdersOnce(t *testing.T) {
	tests := []struct {
		name, lang string
		code       errs.Code
		params     map[string]string
		want       string
	}{
		{"in Chinese", "zh-CN", errs.PasswordWrong, nil, "密码不正确"},
		{"in English", "en", errs.PasswordWrong, nil, "The password is incorrect."},
		{"an unknown language is Chinese", "fr", errs.PasswordWrong, nil, "密码不正确"},
		{"an unknown code is its own name", "en", "no_such_code", nil, "no_such_code"},
		{
			"a parameter is filled in", "en", errs.FieldMissing,
			map[string]string{"field": "username"},
			"The parameter username is missing.",
		},
		{"a missing parameter leaves nothing", "en", errs.FieldMissing, nil, "The parameter  is missing."},
		{
			"a parameter is not read again", "en", errs.FieldTooLong,
			map[string]string{"field": "{max}", "max": "8"},
			"The parameter {max} is too long; at most 8 characters are allowed.",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := i18n.Text(tt.lang, tt.code, tt.params); got != tt.want {
				t.Errorf("Text = %q, want %q", got, tt.want)
			}
		})
	}
}

func TestFillKeepsAnUnclosedBrace(t *testing.T) {
	if got := i18n.Fill("a {b", map[string]string{"b": "c"}); got != "a {b" {
		t.Errorf("Fill = %q", got)
	}
}

func TestCatalogLookup(t *testing.T) {
	c, err := i18n.Parse("# words\n\nhello = Hello {name} = you\n")
	if err != nil {
		t.Fatal(err)
	}
	if got, ok := c.Lookup("hello", map[string]string{"name": "Ann"}); !ok || got != "Hello Ann = you" {
		t.Errorf("Lookup = %q, %v", got, ok)
	}
	if _, ok := c.Lookup("bye", nil); ok {
		t.Error("Lookup found a key that is not there")
	}
}

func TestParseRefusesBadLines(t *testing.T) {
	for _, text := range []string{"no sign", "= text", "key =", "a = 1\na = 2"} {
		if _, err := i18n.Parse(text); err == nil {
			t.Errorf("Parse(%q) accepted it", text)
		}
	}
}

func TestMatch(t *testing.T) {
	tests := map[string]string{
		"":                           "zh-CN",
		"zh-CN":                      "zh-CN",
		"en-US":                      "en",
		"EN-gb":                      "en",
		"zh-TW":                      "zh-CN",
		"*":                          "zh-CN",
		"fr":                         "zh-CN",
		"fr-FR, en;q=0.8":            "en",
		"en;q=0.5, zh;q=0.9":         "zh-CN",
		"en, zh":                     "en",
		"zh;q=0, en;q=0.1":           "en",
		"en;q=0":                     "zh-CN",
		"en;q=NaN, zh;q=0.1":         "zh-CN",
		"en;q=-1":                    "zh-CN",
		"english":                    "zh-CN",
		",,;;q=,":                    "zh-CN",
		"en-US,en;q=0.9,zh-CN;q=0.8": "en",
	}
	for header, want := range tests {
		if got := i18n.Match(header); got != want {
			t.Errorf("Match(%q) = %q, want %q", header, got, want)
		}
	}
}

func TestVendorsHaveANameInEveryLanguage(t *testing.T) {
	var reference []string
	for _, lang := range i18n.Languages() {
		var kinds []string
		for kind := range catalog(t, "vendors-"+lang) {
			kinds = append(kinds, kind)
		}
		slices.Sort(kinds)
		if reference == nil {
			reference = kinds
		}
		if diff := cmp.Diff(reference, kinds); diff != "" {
			t.Errorf("vendors-%s.txt (-%s +%s):\n%s", lang, i18n.Chinese, lang, diff)
		}
	}
	for lang, want := range map[string]string{"zh-CN": "微信", "en": "WeChat", "": "微信", "fr": "微信"} {
		if got := i18n.Vendor(lang, "wechat_open"); got != want {
			t.Errorf("in %q it is %q", lang, got)
		}
	}
	if got := i18n.Vendor("en", "oidc"); got != "" {
		t.Errorf("nobody's name is %q", got)
	}
}
