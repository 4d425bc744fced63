package i18n

import (
	"strconv"
	"strings"
)

// Match picks the language of an Accept-Language header (RFC 9110 section 12.5.4):
// the one of ours with the highest weight, the first of equals, else the default.
func Match(acceptLanguage string) string {
	switch acceptLanguage {
	case "", "zh-CN":
		return Chinese
	case "en", "en-US":
		return English
	}
	best, weight := Chinese, 0.0
	for acceptLanguage != "" {
		var item string
		item, acceptLanguage, _ = strings.Cut(acceptLanguage, ",")
		tag, params, _ := strings.Cut(item, ";")
		lang := ours(strings.TrimSpace(tag))
		if lang == "" {
			continue
		}
		if q := quality(params); q > weight {
			best, weight = lang, q
		}
	}
	return best
}

// ours maps a language tag to the language we would answer it in, "" for none.
func ours(tag string) string {
	primary, _, _ := strings.Cut(tag, "-")
	switch {
	case strings.EqualFold(primary, "zh"), tag == "*":
		return Chinese
	case strings.EqualFold(primary, "en"):
		return English
	}
	return ""
}

// quality reads "q=0.8"; a weight that cannot be read counts for nothing.
func quality(params string) float64 {
	params = strings.TrimSpace(params)
	if params == "" {
		return 1
	}
	value, ok := strings.CutPrefix(strings.ToLower(params), "q=")
	if !ok {
		return 1
	}
	q, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
	if err != nil || !(q > 0 && q <= 1) {
		return 0
	}
	return q
}
