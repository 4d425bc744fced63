package sms

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/tigertally/tigertally/internal/contact"
	"github.com/tigertally/tigertally/internal/driver"
)

const mainland = "+86"

// template is one that a vendor has approved, and what goes into its variables, in order.
type template struct {
	id   string
	vars []variable
}

// variable is the vendor's name of a variable and which of our params fills it.
type variable struct{ name, param string }

// templates are a vendor's templates by what they are for.
type templates map[string]template

func templateOptions() []driver.Option {
	return []driver.Option{
		{Name: "templates", Required: true, Doc: "Approved templates, such as `default=1001(code,minutes) reset=1002(code)`. " +
			"The name is what a message is for, with `.en` behind it for one language and `abroad/` before it for numbers " +
			"outside +86; `default` stands in for the rest. In brackets are the params of the variables in order, " +
			"`theirs:ours` where the vendor names them: code, minutes, product, and time and contact in notices."},
	}
}

// entry is one template of the option: name=id(variables).
var entry = regexp.MustCompile(`^((?:abroad/)?[a-z_]+(?:\.[A-Za-z-]+)?)=([A-Za-z0-9_-]+)(?:\(([A-Za-z0-9_:,]*)\))?$`)

func parseTemplates(text string) (templates, error) {
	all := templates{}
	for word := range strings.FieldsSeq(text) {
		m := entry.FindStringSubmatch(word)
		if m == nil {
			return nil, fmt.Errorf("templates: %q is not NAME=ID(PARAM,PARAM)", word)
		}
		t := template{id: m[2]}
		for v := range strings.SplitSeq(m[3], ",") {
			if v == "" {
				continue
			}
			theirs, ours, named := strings.Cut(v, ":")
			if !named {
				ours = theirs
			}
			t.vars = append(t.vars, variable{theirs, ours})
		}
		all[m[1]] = t
	}
	if len(all) == 0 {
		return nil, errors.New("templates: there is none")
	}
	return all, nil
}

// filled is a template with the values of one message, in order.
type filled struct {
	id     string
	names  []string
	values []string
}

// fill picks the template of m: its own before the default, its language before any. One
// with a variable that m has no value for does not fit.
func (t templates) fill(m Message) (filled, error) {
	for _, name := range names(m) {
		chosen, ok := t[name]
		if !ok {
			continue
		}
		if f, ok := chosen.fill(m.Params); ok {
			return f, nil
		}
	}
	return filled{}, fmt.Errorf("no template fits a message for %q", m.Template)
}

func names(m Message) []string {
	all := []string{m.Template + "." + m.Lang, m.Template, "default." + m.Lang, "default"}
	if home(m.To) {
		return all
	}
	for i, name := range all {
		all[i] = "abroad/" + name
	}
	return all
}

func (t template) fill(params map[string]string) (filled, bool) {
	f := filled{id: t.id}
	for _, v := range t.vars {
		value, ok := params[v.param]
		if !ok {
			return filled{}, false
		}
		f.names, f.values = append(f.names, v.name), append(f.values, value)
	}
	return f, true
}

// home says whether a number is of the Chinese mainland.
func home(e164 string) bool {
	country, _ := contact.SplitPhone(e164)
	return country == mainland
}

// Approved says with which of a vendor's approved templates m would be sent, in the form
// of the option "templates", such as 1001(code,minutes); "" when none fits.
func Approved(option string, m Message) string {
	all, err := parseTemplates(option)
	if err != nil {
		return ""
	}
	f, err := all.fill(m)
	if err != nil {
		return ""
	}
	if len(f.names) == 0 {
		return f.id
	}
	return f.id + "(" + strings.Join(f.names, ",") + ")"
}
