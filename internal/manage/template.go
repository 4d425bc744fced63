package manage

import (
	"cmp"
	"context"

	"github.com/tigertally/tigertally/api"
	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/channel"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/i18n"
	"github.com/tigertally/tigertally/internal/notify"
	"github.com/tigertally/tigertally/internal/operator"
)

// What can be done with the words of messages.
const (
	TemplateList    Op = "template.list"
	TemplateGet     Op = "template.get"
	TemplatePut     Op = "template.put"
	TemplateReset   Op = "template.reset"
	TemplatePreview Op = "template.preview"
)

func templateOperations() []Operation {
	return []Operation{
		{TemplateList, operator.MessagesRead, "List the words of every message by channel and language"},
		{TemplateGet, operator.MessagesRead, "Show the words of a message, and the built-in ones"},
		{TemplatePut, operator.MessagesWrite, "Give a message words of the pool's own"},
		{TemplateReset, operator.MessagesWrite, "Give a message its built-in words back"},
		{TemplatePreview, operator.MessagesRead, "Show what a message would look like, with sample values"},
	}
}

// Templates lists the words of every message. There are few: they are not paged.
func (s *Service) Templates(ctx context.Context, p operator.Principal, in api.PoolRef) (list api.List[api.MessageTemplate], err error) {
	if _, err := s.may(ctx, p, TemplateList, in.Pool); err != nil {
		return list, err
	}
	sign, err := s.signature(ctx, in.Pool)
	if err != nil {
		return list, err
	}
	for _, t := range notify.Templates() {
		for _, name := range t.Channels {
			for _, lang := range i18n.Languages() {
				v, err := s.templateView(ctx, api.MessageTemplateRef{PoolRef: in, Name: t.Name, Channel: name, Lang: lang}, sign)
				if err != nil {
					return list, err
				}
				list.Items = append(list.Items, v)
			}
		}
	}
	return list, nil
}

// Template shows the words of one message, what resetting brings back, and which vendors
// send a template of their own instead. Errors: TemplateNotFound.
func (s *Service) Template(ctx context.Context, p operator.Principal, in api.MessageTemplateRef) (api.MessageTemplate, error) {
	if _, err := s.may(ctx, p, TemplateGet, in.Pool); err != nil {
		return api.MessageTemplate{}, err
	}
	return s.template(ctx, in)
}

func (s *Service) template(ctx context.Context, in api.MessageTemplateRef) (v api.MessageTemplate, err error) {
	sign, err := s.signature(ctx, in.Pool)
	if err != nil {
		return v, err
	}
	if v, err = s.templateView(ctx, in, sign); err != nil {
		return v, err
	}
	built, err := notify.BuiltIn(in.Name, in.Channel, in.Lang)
	if err != nil {
		return v, err
	}
	v.BuiltIn = &api.BuiltInWords{Subject: built.Subject, Text: built.Body}
	v.Vendors, err = s.vendorTemplates(ctx, in)
	return v, err
}

// templateView is the words of one message as they are in force. sign stands in front of
// text messages.
func (s *Service) templateView(ctx context.Context, in api.MessageTemplateRef, sign string) (v api.MessageTemplate, err error) {
	t, w, own, err := s.wordsInForce(ctx, in)
	if err != nil {
		return v, err
	}
	v = api.MessageTemplate{
		Name: t.Name, Group: t.Group, Channel: in.Channel, Lang: in.Lang, Subject: w.Subject, Text: w.Body,
		Own: own.PoolID != "", UpdatedAt: moment(own.UpdatedAt), Placeholders: t.Placeholders, Required: append([]string{}, t.Required...),
	}
	if in.Channel == channel.SMS {
		m, err := s.sample(ctx, in, t, w)
		if err != nil {
			return v, err
		}
		v.Size = sizeOf(m.Text, sign)
	}
	return v, nil
}

// wordsInForce returns a template with the words it has in a pool. own is zero when those
// are the built-in ones. Errors: TemplateNotFound.
func (s *Service) wordsInForce(ctx context.Context, in api.MessageTemplateRef) (t notify.Template, w notify.Words, own channel.Words, err error) {
	if t, err = notify.TemplateOf(in.Name, in.Channel, in.Lang); err != nil {
		return t, w, own, err
	}
	own, ok, err := s.d.Messages.Channels.Words(ctx, in.Pool, in.Name, in.Channel, in.Lang)
	if err != nil || ok {
		return t, notify.Words{Subject: own.Subject, Body: own.Body}, own, err
	}
	w, err = notify.BuiltIn(in.Name, in.Channel, in.Lang)
	return t, w, own, err
}

func (s *Service) sample(ctx context.Context, in api.MessageTemplateRef, t notify.Template, w notify.Words) (notify.Message, error) {
	v, err := s.d.Pools.Get(ctx, in.Pool)
	if err != nil {
		return notify.Message{}, err
	}
	return notify.Sample(t, in.Channel, in.Lang, v.Settings.ProductName, w, s.d.Now())
}

func sizeOf(text, sign string) *api.TextSize {
	n := notify.Measure(text, sign)
	return &api.TextSize{Characters: n.Characters, Parts: n.Parts, Wide: n.Wide}
}

// signature is what the pool's first text message vendor puts in front of a text.
func (s *Service) signature(ctx context.Context, poolID string) (string, error) {
	list, err := s.d.Messages.Channels.List(ctx, poolID, channel.SMS)
	if err != nil {
		return "", err
	}
	for _, d := range list {
		if !d.Enabled {
			continue
		}
		set, err := s.d.Messages.Channels.Settings(d)
		if err != nil || set["sign_name"] != "" {
			return set["sign_name"], err
		}
	}
	return "", nil
}

// vendorTemplates says what vendors send that know approved templates only.
func (s *Service) vendorTemplates(ctx context.Context, in api.MessageTemplateRef) ([]api.VendorTemplate, error) {
	if in.Channel != channel.SMS {
		return nil, nil
	}
	t, w, _, err := s.wordsInForce(ctx, in)
	if err != nil {
		return nil, err
	}
	m, err := s.sample(ctx, in, t, w)
	if err != nil {
		return nil, err
	}
	m.To = "+8613800000000" // any number of the mainland, where templates are needed
	list, err := s.d.Messages.Channels.List(ctx, in.Pool, channel.SMS)
	if err != nil {
		return nil, err
	}
	var all []api.VendorTemplate
	for _, d := range list {
		set, err := s.d.Messages.Channels.Settings(d)
		if err != nil {
			return nil, err
		}
		if _, needs := set["templates"]; needs {
			all = append(all, api.VendorTemplate{Driver: d.ID, Template: s.d.Messages.Carriers.Approved(set, m)})
		}
	}
	return all, nil
}

// PutTemplate gives a message words of the pool's own. Errors: TemplateNotFound,
// EditConflict, FieldMissing, FieldTooLong, TemplateUnknownWord, TemplateWithoutCode.
func (s *Service) PutTemplate(ctx context.Context, p operator.Principal, in api.MessageTemplatePut) (api.MessageTemplate, error) {
	m, err := s.may(ctx, p, TemplatePut, in.Pool)
	if err != nil {
		return api.MessageTemplate{}, err
	}
	t, err := notify.TemplateOf(in.Name, in.Channel, in.Lang)
	if err != nil {
		return api.MessageTemplate{}, err
	}
	w, err := t.Check(in.Channel, notify.Words{Subject: in.Subject, Body: in.Text})
	if err != nil {
		return api.MessageTemplate{}, err
	}
	err = s.changed(ctx, m, audit.TemplatePut, templateDetail(in.MessageTemplateRef), func(ctx context.Context) error {
		if in.IfMatch != "" {
			now, err := s.template(ctx, in.MessageTemplateRef)
			if err != nil {
				return err
			}
			if err := match(in.Guarded, now); err != nil {
				return err
			}
		}
		return s.d.Messages.Channels.PutWords(ctx, channel.Words{
			PoolID: in.Pool, Name: in.Name, Channel: in.Channel, Lang: in.Lang, Subject: w.Subject, Body: w.Body,
		})
	})
	if err != nil {
		return api.MessageTemplate{}, err
	}
	return s.template(ctx, in.MessageTemplateRef)
}

func templateDetail(in api.MessageTemplateRef) map[string]string {
	return map[string]string{"template": in.Name, "channel": in.Channel, "lang": in.Lang}
}

// ResetTemplate gives a message its built-in words back. Errors: TemplateNotFound.
func (s *Service) ResetTemplate(ctx context.Context, p operator.Principal, in api.MessageTemplateRef) (api.MessageTemplate, error) {
	m, err := s.may(ctx, p, TemplateReset, in.Pool)
	if err != nil {
		return api.MessageTemplate{}, err
	}
	if _, err := notify.TemplateOf(in.Name, in.Channel, in.Lang); err != nil {
		return api.MessageTemplate{}, err
	}
	err = s.changed(ctx, m, audit.TemplateReset, templateDetail(in), func(ctx context.Context) error {
		return s.d.Messages.Channels.ResetWords(ctx, in.Pool, in.Name, in.Channel, in.Lang)
	})
	if err != nil {
		return api.MessageTemplate{}, err
	}
	return s.template(ctx, in)
}

// PreviewTemplate renders words, those in force where none are given. Errors:
// TemplateNotFound and those of PutTemplate.
func (s *Service) PreviewTemplate(ctx context.Context, p operator.Principal, in api.MessagePreview) (out api.PreviewedMessage, err error) {
	if _, err := s.may(ctx, p, TemplatePreview, in.Pool); err != nil {
		return out, err
	}
	t, w, _, err := s.wordsInForce(ctx, in.MessageTemplateRef)
	if err != nil {
		return out, err
	}
	w, err = t.Check(in.Channel, notify.Words{Subject: cmp.Or(in.Subject, w.Subject), Body: cmp.Or(in.Text, w.Body)})
	if err != nil {
		return out, err
	}
	m, err := s.sample(ctx, in.MessageTemplateRef, t, w)
	if err != nil {
		return out, errs.New(errs.BadRequest, "field", "text").Because(err)
	}
	out = api.PreviewedMessage{Subject: m.Subject, Text: m.Text, HTML: m.HTML}
	if in.Channel == channel.SMS {
		sign, err := s.signature(ctx, in.Pool)
		if err != nil {
			return out, err
		}
		out.Size = sizeOf(m.Text, sign)
	}
	return out, nil
}
