package console

import (
	"context"
	"html"
	"net/http"
	"strconv"

	"github.com/tigertally/tigertally/api"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/i18n"
	"github.com/tigertally/tigertally/internal/manage"
)

// templateRoutes are the pages about the words of messages.
func (c *Console) templateRoutes(base string) []route {
	const one = "/templates/{name}"
	return []route{
		{method: http.MethodGet, path: base + "/templates", ops: []manage.Op{manage.TemplateList}, handle: showTemplates},
		{method: http.MethodGet, path: base + one, ops: []manage.Op{manage.TemplateGet}, handle: showTemplate},
		{method: http.MethodPost, path: base + one, ops: []manage.Op{manage.TemplatePut, manage.TemplateReset}, handle: changeTemplate},
		{method: http.MethodGet, path: base + one + "/{channel}/{lang}", ops: []manage.Op{manage.TemplatePreview}, handle: previewTemplate},
		{method: http.MethodPost, path: base + one + "/{channel}/{lang}", ops: []manage.Op{manage.TemplatePreview}, handle: previewTemplate},
	}
}

func showTemplates(ctx context.Context, p *page) error {
	list, err := p.c.Manage.Templates(ctx, p.who, p.poolRef())
	if err != nil {
		return err
	}
	return p.show(ctx, "message_templates", templatesPage(p, templateRows(list.Items)))
}

// templateRow is one template with its words on every channel and in every language.
type templateRow struct {
	name, group string
	words       []api.MessageTemplate
}

// templateRows puts the words of one template together.
func templateRows(all []api.MessageTemplate) []templateRow {
	var rows []templateRow
	for _, v := range all {
		if len(rows) == 0 || rows[len(rows)-1].name != v.Name {
			rows = append(rows, templateRow{name: v.Name, group: v.Group})
		}
		last := &rows[len(rows)-1]
		last.words = append(last.words, v)
	}
	return rows
}

func showTemplate(ctx context.Context, p *page) error { return p.templatePage(ctx, nil) }

// templatePage shows a template in every language and on every channel, with what was
// typed for one of them.
func (p *page) templatePage(ctx context.Context, typed *api.MessageTemplatePut) error {
	var all []wordsForm
	for _, channel := range []string{"sms", "email"} {
		for _, lang := range i18n.Languages() {
			v, err := p.c.Manage.Template(ctx, p.who, p.templateRef(channel, lang))
			if errs.CodeOf(err) == errs.TemplateNotFound {
				continue // not every message travels by every channel
			}
			if err != nil {
				return err
			}
			form := wordsForm{MessageTemplate: v, tag: api.ETag(v)}
			if typed != nil && typed.Channel == channel && typed.Lang == lang {
				form.Subject, form.Text, form.tag, form.wrong = typed.Subject, typed.Text, typed.IfMatch, true
			}
			all = append(all, form)
		}
	}
	if len(all) == 0 {
		return errs.New(errs.TemplateNotFound)
	}
	return p.show(ctx, "message_templates", templatePage(p, all))
}

// wordsForm is what the form for the words of one message shows.
type wordsForm struct {
	api.MessageTemplate

	tag   string
	wrong bool // what is shown was typed and refused
}

func (p *page) templateRef(channel, lang string) api.MessageTemplateRef {
	return api.MessageTemplateRef{PoolRef: p.poolRef(), Name: p.r.PathValue("name"), Channel: channel, Lang: lang}
}

func changeTemplate(ctx context.Context, p *page) error {
	f := p.r.PostForm
	in := api.MessageTemplatePut{
		MessageTemplateRef: p.templateRef(f.Get("channel"), f.Get("lang")), Guarded: api.Guarded{IfMatch: f.Get("etag")},
		Subject: f.Get("subject"), Text: f.Get("text"),
	}
	var err error
	notice := "saved"
	if f.Get("do") == "reset" {
		_, err = p.c.Manage.ResetTemplate(ctx, p.who, in.MessageTemplateRef)
		notice = "message_reset_done"
	} else {
		_, err = p.c.Manage.PutTemplate(ctx, p.who, in)
	}
	if err != nil {
		if err := p.refuse(err); err != nil {
			return err
		}
		return p.templatePage(ctx, &in)
	}
	return p.done(p.link("messages", "templates", in.Name)+"#"+in.Channel+"-"+in.Lang, notice)
}

// previewPolicy makes a preview a page of nobody's: no script runs in it, it loads nothing
// and reaches no cookie, and only pages of ours show it.
const previewPolicy = "sandbox; default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"

// previewTemplate answers with the message itself, as the words in force or those that
// were typed make it.
func previewTemplate(ctx context.Context, p *page) error {
	in := api.MessagePreview{MessageTemplateRef: p.templateRef(p.r.PathValue("channel"), p.r.PathValue("lang"))}
	if p.r.Method == http.MethodPost {
		in.Subject, in.Text = p.r.PostFormValue("subject"), p.r.PostFormValue("text")
	}
	m, err := p.c.Manage.PreviewTemplate(ctx, p.who, in)
	body := m.HTML
	switch {
	case err != nil:
		if err := p.refuse(err); err != nil {
			return err
		}
		body = previewPage(p, `<p class="bad">`+html.EscapeString(p.problem)+`</p>`)
	case body == "":
		body = previewPage(p, `<p class="bubble" lang="`+html.EscapeString(in.Lang)+`">`+html.EscapeString(m.Text)+`</p><p class="size">`+html.EscapeString(p.sizeOf(m.Size))+`</p>`)
	}
	h := p.w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", previewPolicy)
	_, err = p.w.Write([]byte(body)) //nolint:gosec // made of escaped values, and shown without scripts
	return err
}

// sizeOf says how long a text message is and what that means.
func (p *page) sizeOf(s *api.TextSize) string {
	if s == nil {
		return ""
	}
	if s.Parts > 1 {
		return p.say("message_size_parts", "n", strconv.Itoa(s.Characters), "parts", strconv.Itoa(s.Parts))
	}
	return p.say("message_size", "n", strconv.Itoa(s.Characters))
}

// previewPage is a small page around a text message.
func previewPage(p *page, body string) string {
	dark := `body{background:#1e1d1a;color:#eceae4}.bubble{background:#33290f}.size{color:#aba89e}.bad{color:#ff9c94}`
	switch p.theme {
	case "light":
		dark = ""
	case "":
		dark = `@media (prefers-color-scheme:dark){` + dark + `}`
	}
	return `<!doctype html><html lang="` + html.EscapeString(p.lang) + `"><head><meta charset="utf-8">` +
		`<meta name="viewport" content="width=device-width,initial-scale=1"><title>` + html.EscapeString(p.say("message_preview")) + `</title><style>` +
		`body{font:16px/1.55 system-ui,"PingFang SC","Microsoft YaHei","Noto Sans CJK SC",sans-serif;margin:1rem;background:#fff;color:#1c1b18}` +
		`.bubble{background:#f0efe9;border-radius:14px;padding:.75rem 1rem;margin:0 0 .5rem;overflow-wrap:anywhere}` +
		`.size{color:#5f5d56;font-size:.875rem;margin:0}.bad{color:#a8241c;margin:0}` + dark + `</style></head><body>` + body + `</body></html>`
}
