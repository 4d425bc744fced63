package notify

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/tigertally/tigertally/internal/errs"
)

// Words are what a message says, with {name} for what differs from one to the next.
type Words struct {
	Subject string // of a mail
	Body    string // the whole text message, or a mail in paragraphs
}

// The groups of templates.
const (
	GroupCode     = "code"     // a verification code, or a link that proves an address
	GroupNotice   = "notice"   // something happened to somebody's account
	GroupOperator = "operator" // something happened to a pool
)

// Template is what one kind of message is about.
type Template struct {
	Name     string
	Group    string
	Channels []string
	// Placeholders are the names in braces that its words may have.
	Placeholders []string
	// Required are those that they must have.
	Required []string
}

// Templates lists every kind of message.
func Templates() []Template {
	both := []string{SMS, Email}
	var all []Template
	for _, name := range []string{UsageDefault, UsageSignIn, UsageRegister, UsageReset, UsageBind, UsageSudo} {
		all = append(all, Template{name, GroupCode, both, []string{"code", "minutes", "product"}, []string{"code"}})
	}
	all = append(all, Template{templateLink, GroupCode, []string{Email}, []string{"link", "minutes", "product"}, []string{"link"}})
	notice := func(name string, more ...string) {
		all = append(all, Template{name, GroupNotice, both, append([]string{"product", "time"}, more...), nil})
	}
	notice(PasswordChanged)
	notice(ContactChanged, "contact")
	notice(RiskySignIn)
	notice(IdentityLinked, "provider")
	notice(AccountDeleted)
	for _, name := range []string{BudgetNearly, BudgetSpent} {
		all = append(all, Template{name, GroupOperator, both, []string{"pool", "sent", "budget", "country", "product", "time"}, nil})
	}
	for _, name := range []string{CodesUnused, MediaFull} {
		all = append(all, Template{name, GroupOperator, both, []string{"pool", "product", "time"}, nil})
	}
	return all
}

// TemplateOf finds a template that a channel has. Errors: TemplateNotFound.
func TemplateOf(name, channel, lang string) (Template, error) {
	for _, t := range Templates() {
		if t.Name == name && slices.Contains(t.Channels, channel) && hasLanguage(lang) {
			return t, nil
		}
	}
	return Template{}, errs.New(errs.TemplateNotFound)
}

// BuiltIn returns the words that a template has by itself.
func BuiltIn(name, channel, lang string) (Words, error) {
	subject, sms, body, err := words(lang, name)
	if err != nil {
		return Words{}, err
	}
	if channel == SMS {
		return Words{Body: sms}, nil
	}
	return Words{subject, body}, nil
}

// The most characters words may have.
const (
	maxSubject = 150
	maxText    = 500
	maxMail    = 5000
)

var (
	placeholder = regexp.MustCompile(`\{[^{}]*\}`)
	gaps        = regexp.MustCompile(`\n{3,}`)
)

// Check brings words into the form they are kept in, and refuses those that would not
// work: with a placeholder nothing is put in for, or without one nobody gets through
// without.
//
// Errors: FieldMissing, FieldTooLong, TemplateUnknownWord, TemplateWithoutCode.
func (t Template) Check(channel string, w Words) (Words, error) {
	w.Subject = strings.Join(strings.Fields(w.Subject), " ")
	most := maxMail
	if channel == SMS {
		w.Subject, w.Body, most = "", strings.Join(strings.Fields(w.Body), " "), maxText
	} else {
		w.Body = paragraphs(w.Body)
	}
	for _, f := range []struct {
		name, text string
		most       int
		needed     bool
	}{{"subject", w.Subject, maxSubject, channel == Email}, {"text", w.Body, most, true}} {
		if f.needed && strings.TrimSpace(f.text) == "" {
			return Words{}, errs.New(errs.FieldMissing, "field", f.name)
		}
		if utf8.RuneCountInString(f.text) > f.most {
			return Words{}, errs.New(errs.FieldTooLong, "field", f.name, "max", strconv.Itoa(f.most))
		}
	}
	return w, t.checkPlaceholders(w)
}

// paragraphs is the text of a mail with one empty line between paragraphs.
func paragraphs(text string) string {
	lines := strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
	for i, line := range lines {
		lines[i] = strings.TrimRight(line, " \t")
	}
	return strings.TrimSpace(gaps.ReplaceAllString(strings.Join(lines, "\n"), "\n\n")) + "\n"
}

func (t Template) checkPlaceholders(w Words) error {
	for _, found := range placeholder.FindAllString(w.Subject+"\n"+w.Body, -1) {
		if !slices.Contains(t.Placeholders, strings.Trim(found, "{}")) {
			return errs.New(errs.TemplateUnknownWord, "word", found, "known", braced(t.Placeholders))
		}
	}
	for _, name := range t.Required {
		if !strings.Contains(w.Body, "{"+name+"}") {
			return errs.New(errs.TemplateWithoutCode, "word", "{"+name+"}")
		}
	}
	return nil
}

func braced(names []string) string { return "{" + strings.Join(names, "} {") + "}" }

// Sample renders words as a message somebody might get, with values that stand for real
// ones; nothing is sent. product is the pool's name for itself.
func Sample(t Template, channel, lang, product string, w Words, at time.Time) (Message, error) {
	q := queued{Channel: channel, Lang: lang, Template: t.Name, Params: map[string]string{}}
	for _, name := range t.Placeholders {
		q.Params[name] = map[string]string{
			"code": "246810", "minutes": "10", "product": product, "time": clock(at, lang), "contact": "138****0000",
			"provider": "GitHub", "pool": "shop", "sent": "800", "budget": "1000", "country": "+86",
		}[name]
	}
	if t.Name == templateLink {
		delete(q.Params, "link")
		q.Link = "https://accounts.example.com/confirm/sample"
	}
	return render(q, w)
}

// Size is how long a text message is.
type Size struct {
	Characters int
	Parts      int // that carriers cut it into, each of which is paid for
	// Wide says that a character is none of the GSM alphabet, so that fewer fit.
	Wide bool
}

// How many characters fit into a message, and into each part of a longer one.
const (
	narrowAlone, narrowPart = 160, 153
	wideAlone, widePart     = 70, 67
)

// Measure counts a text message with the sender's name in front, which vendors on the
// Chinese mainland put there in brackets; signature may be "".
func Measure(text, signature string) Size {
	if signature != "" {
		text = "\u3010" + signature + "\u3011" + text
	}
	s := Size{}
	units, wide := 0, 0
	for _, r := range text {
		s.Characters++
		wide++
		if r > 0xFFFF {
			wide++
		}
		switch {
		case strings.ContainsRune(gsmTwice, r):
			units += 2
		case r < 0x80 && !strings.ContainsRune("`", r), strings.ContainsRune(gsmMore, r):
			units++
		default:
			s.Wide = true
		}
	}
	alone, part := narrowAlone, narrowPart
	if s.Wide {
		units, alone, part = wide, wideAlone, widePart
	}
	if s.Parts = 1; units > alone {
		s.Parts = (units + part - 1) / part
	}
	return s
}

// Characters of GSM 03.38 beside ASCII, and those that take two places.
const (
	gsmMore  = "@£$¥èéùìòÇØøÅåΔΦΓΛΩΠΨΣΘΞÆæßÉ¡ÄÖÑÜ§¿äöñüà"
	gsmTwice = "^{}\\[~]|€"
)

// inForce returns the words of a message: the pool's own, or the built-in ones.
func (s *Service) inForce(ctx context.Context, q queued) (Words, error) {
	if s.Words != nil {
		own, ok, err := s.Words(ctx, q.PoolID, q.Template, q.Channel, q.Lang)
		if err != nil {
			return Words{}, fmt.Errorf("words of a message: %w", err)
		}
		if ok {
			return own, nil
		}
	}
	return BuiltIn(q.Template, q.Channel, q.Lang)
}
