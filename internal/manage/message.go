package manage

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/tigertally/tigertally/api"
	"github.com/tigertally/tigertally/internal/admin"
	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/channel"
	"github.com/tigertally/tigertally/internal/code"
	"github.com/tigertally/tigertally/internal/delivery"
	"github.com/tigertally/tigertally/internal/driver"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/notify"
	"github.com/tigertally/tigertally/internal/operator"
)

// What can be done with the vendors that messages travel by.
const (
	MessageKinds         Op = "message-driver.kinds"
	MessageDriverList    Op = "message-driver.list"
	MessageDriverGet     Op = "message-driver.get"
	MessageDriverPut     Op = "message-driver.put"
	MessageDriverMove    Op = "message-driver.move"
	MessageDriverEnable  Op = "message-driver.enable"
	MessageDriverDisable Op = "message-driver.disable"
	MessageDriverRemove  Op = "message-driver.remove"
	MessageDriverTest    Op = "message-driver.test"
)

// messageOperations are what can be done with messages: drivers, templates, deliveries and test numbers.
func messageOperations() []Operation {
	return slices.Concat([]Operation{
		{MessageKinds, operator.MessagesRead, "List the vendors that messages may travel by, and their settings"},
		{MessageDriverList, operator.MessagesRead, "List the message vendors of a pool in the order they are asked"},
		{MessageDriverGet, operator.MessagesRead, "Show a message vendor without its secrets"},
		{MessageDriverPut, operator.MessagesWrite, "Make a message vendor or change it"},
		{MessageDriverMove, operator.MessagesWrite, "Change in which turn a message vendor is asked"},
		{MessageDriverEnable, operator.MessagesWrite, "Let messages travel by a vendor"},
		{MessageDriverDisable, operator.MessagesWrite, "Let no messages travel by a vendor, and keep its settings"},
		{MessageDriverRemove, operator.MessagesWrite, "Remove a message vendor and forget its settings"},
		{MessageDriverTest, operator.MessagesWrite, "Send one real message to an address of yours and show what the vendor says"},
	}, templateOperations(), deliveryOperations(), testNumberOperations())
}

// Messages are the services that messages need.
type Messages struct {
	Channels   *channel.Service
	Deliveries *delivery.Service
	Codes      *code.Service
	Carriers   Carriers
}

// Carriers are the vendors of messages, which this package may not know.
type Carriers interface {
	// Kinds lists what a pool may use.
	Kinds() []channel.Kind
	// Server names the server's own drivers of a channel, in the order they are asked.
	Server(channel string) []string
	// Check refuses settings with MessageDriverInvalid. It asks no vendor.
	Check(d channel.Driver, set map[string]string) error
	// Approved says with which of the vendor's approved templates m would be sent.
	Approved(set map[string]string, m notify.Message) string
	// Reports is where the vendor may report deliveries, "" for nowhere.
	Reports(d channel.Driver) string
	// Try hands m to one driver and notes it.
	Try(ctx context.Context, d channel.Driver, m notify.Message) (Tried, error)
}

// Tried is what a vendor said to a message.
type Tried struct {
	VendorID string
	Units    int
	Failure  *driver.Failure // nil when it took the message
	Took     time.Duration
}

// MessageKinds lists what messages of a pool may travel by.
func (s *Service) MessageKinds(ctx context.Context, p operator.Principal, in api.PoolRef) (list api.List[api.MessageKind], err error) {
	if _, err := s.may(ctx, p, MessageKinds, in.Pool); err != nil {
		return list, err
	}
	list.Items = []api.MessageKind{}
	for _, k := range s.d.Messages.Carriers.Kinds() {
		v := api.MessageKind{Channel: k.Channel, Name: k.Name, Doc: k.Doc, Options: make([]api.MessageOption, len(k.Options)), Simulated: k.Simulated}
		for i, o := range k.Options {
			v.Options[i] = api.MessageOption{Name: o.Name, Doc: o.Doc, Required: o.Required, Secret: o.Secret}
		}
		list.Items = append(list.Items, v)
	}
	return list, nil
}

// MessageDrivers lists the vendors of a pool. There are few: they are not paged.
func (s *Service) MessageDrivers(ctx context.Context, p operator.Principal, in api.PoolRef) (out api.MessageDrivers, err error) {
	if _, err := s.may(ctx, p, MessageDriverList, in.Pool); err != nil {
		return out, err
	}
	all, err := s.d.Messages.Channels.List(ctx, in.Pool, "")
	if err != nil {
		return out, err
	}
	out.Items, out.Server = []api.MessageDriver{}, []api.ServerDriver{}
	own := map[string]bool{}
	for i, d := range all {
		v, err := s.driverView(d)
		if err != nil {
			return out, err
		}
		v.Position = 1
		if i > 0 && all[i-1].Channel == d.Channel {
			v.Position = out.Items[i-1].Position + 1
		}
		out.Items = append(out.Items, v)
		own[d.Channel] = own[d.Channel] || d.Enabled
	}
	for _, name := range []string{channel.SMS, channel.Email} {
		for _, kind := range s.d.Messages.Carriers.Server(name) {
			out.Server = append(out.Server, api.ServerDriver{Channel: name, Kind: kind, InUse: !own[name]})
		}
	}
	return out, nil
}

// MessageDriver shows one. Errors: MessageDriverNotFound.
func (s *Service) MessageDriver(ctx context.Context, p operator.Principal, in api.MessageDriverRef) (api.MessageDriver, error) {
	if _, err := s.may(ctx, p, MessageDriverGet, in.Pool); err != nil {
		return api.MessageDriver{}, err
	}
	return s.messageDriver(ctx, p, in)
}

func (s *Service) messageDriver(ctx context.Context, p operator.Principal, in api.MessageDriverRef) (v api.MessageDriver, err error) {
	d, err := s.d.Messages.Channels.Get(ctx, in.Pool, in.ID)
	if err != nil {
		return v, err
	}
	if v, err = s.driverView(d); err != nil {
		return v, err
	}
	list, err := s.d.Messages.Channels.List(ctx, in.Pool, d.Channel)
	v.Position = 1 + slices.IndexFunc(list, func(o channel.Driver) bool { return o.ID == d.ID })
	if s.Allowed(p, MessageDriverPut, in.Pool) {
		v.ReportsTo = s.d.Messages.Carriers.Reports(d)
	}
	return v, err
}

// driverView is a driver without its secrets.
func (s *Service) driverView(d channel.Driver) (api.MessageDriver, error) {
	set, err := s.d.Messages.Channels.Settings(d)
	if err != nil {
		return api.MessageDriver{}, err
	}
	v := api.MessageDriver{
		ID: d.ID, Channel: d.Channel, Kind: d.Kind, Name: d.Name, Countries: append([]string{}, d.Countries...), Enabled: d.Enabled,
		Settings: map[string]string{}, Secrets: []string{}, CreatedAt: d.CreatedAt.UTC(), UpdatedAt: d.UpdatedAt.UTC(),
	}
	for _, name := range slices.Sorted(maps.Keys(set)) {
		if s.isOpen(d, name) {
			v.Settings[name] = set[name]
		} else {
			v.Secrets = append(v.Secrets, name)
		}
	}
	return v, nil
}

// isOpen reports whether a setting may be shown. One that is not known may not.
func (s *Service) isOpen(d channel.Driver, name string) bool {
	k, ok := s.messageKind(d.Channel, d.Kind)
	return ok && slices.ContainsFunc(k.Options, func(o driver.Option) bool { return o.Name == name && !o.Secret })
}

func (s *Service) messageKind(name, kind string) (channel.Kind, bool) {
	all := s.d.Messages.Carriers.Kinds()
	i := slices.IndexFunc(all, func(k channel.Kind) bool { return k.Channel == name && k.Name == kind })
	if i < 0 {
		return channel.Kind{}, false
	}
	return all[i], true
}

// PutMessageDriver makes a vendor or changes it. Errors: EditConflict, BadRequest,
// FieldMissing, FieldTooLong, MessageDriverInvalid, MessageDriverLimit.
func (s *Service) PutMessageDriver(ctx context.Context, p operator.Principal, in api.MessageDriverPut) (api.MessageDriver, error) {
	m, err := s.may(ctx, p, MessageDriverPut, in.Pool)
	if err != nil {
		return api.MessageDriver{}, err
	}
	detail := map[string]string{"driver": in.ID, "kind": in.Kind}
	err = s.changed(ctx, m, audit.MessageDriverPut, detail, func(ctx context.Context) error { return s.putDriver(ctx, p, in) })
	if err != nil {
		return api.MessageDriver{}, err
	}
	return s.messageDriver(ctx, p, in.MessageDriverRef)
}

func (s *Service) putDriver(ctx context.Context, p operator.Principal, in api.MessageDriverPut) error {
	kind, known := s.messageKind(in.Channel, in.Kind)
	if !known {
		return errs.New(errs.BadRequest, "field", "kind")
	}
	d := channel.Driver{PoolID: in.Pool, ID: in.ID, Channel: in.Channel, Enabled: true}
	old := map[string]string{}
	switch was, err := s.d.Messages.Channels.Get(ctx, in.Pool, in.ID); {
	case errs.CodeOf(err) == errs.MessageDriverNotFound:
		if in.IfMatch != "" {
			return errs.New(errs.EditConflict)
		}
	case err != nil:
		return err
	case was.Channel != in.Channel:
		return errs.New(errs.BadRequest, "field", "channel")
	default:
		now, err := s.messageDriver(ctx, p, in.MessageDriverRef)
		if err != nil {
			return err
		}
		if err := match(in.Guarded, now); err != nil {
			return err
		}
		if old, err = s.d.Messages.Channels.Settings(was); err != nil {
			return err
		}
		if d = was; was.Kind != in.Kind {
			old = nil
		}
	}
	d.Kind = in.Kind
	put(&d.Name, in.Name)
	put(&d.Countries, in.Countries)
	put(&d.Enabled, in.Enabled)
	set := merged(kind, old, in.Settings)
	if err := complete(kind, set); err != nil {
		return err
	}
	if err := s.d.Messages.Carriers.Check(d, set); err != nil {
		return err
	}
	_, err := s.d.Messages.Channels.Put(ctx, d, set)
	return err
}

// addresses are the settings that say whom a driver shows its secrets to.
func addresses() []string { return []string{"base", "url", "host", "port", "tls", "ca"} }

// merged are the settings after a change. Secrets do not follow to another address:
// whoever may change settings must not be able to have them shown to a server of theirs.
func merged(k channel.Kind, old, given map[string]string) map[string]string {
	set := maps.Clone(old)
	if set == nil {
		set = map[string]string{}
	}
	moved := false
	for name, value := range given {
		if slices.Contains(addresses(), name) && value != old[name] {
			moved = true
		}
	}
	for _, o := range k.Options {
		if o.Secret && moved {
			delete(set, o.Name)
		}
	}
	for name, value := range given {
		if value == "" {
			delete(set, name)
		} else {
			set[name] = value
		}
	}
	return set
}

// complete refuses settings that lack what a kind needs.
func complete(k channel.Kind, set map[string]string) error {
	for _, o := range k.Options {
		if o.Required && set[o.Name] == "" {
			return errs.New(errs.FieldMissing, "field", o.Name)
		}
	}
	return nil
}

// MoveMessageDriver changes in which turn a vendor is asked. Errors:
// MessageDriverNotFound.
func (s *Service) MoveMessageDriver(ctx context.Context, p operator.Principal, in api.MessageDriverMove) (api.MessageDriver, error) {
	m, err := s.may(ctx, p, MessageDriverMove, in.Pool)
	if err != nil {
		return api.MessageDriver{}, err
	}
	detail := map[string]string{"driver": in.ID, "position": strconv.Itoa(in.Position)}
	return s.driverChanged(ctx, p, m, audit.MessageDriverMove, detail, in.MessageDriverRef, func(ctx context.Context) error {
		return s.d.Messages.Channels.Move(ctx, in.Pool, in.ID, in.Position)
	})
}

// EnableMessageDriver lets messages travel by a vendor. Errors: MessageDriverNotFound.
func (s *Service) EnableMessageDriver(ctx context.Context, p operator.Principal, in api.MessageDriverRef) (api.MessageDriver, error) {
	return s.switchDriver(ctx, p, MessageDriverEnable, in, true)
}

// DisableMessageDriver lets no messages travel by a vendor. Errors: MessageDriverNotFound.
func (s *Service) DisableMessageDriver(ctx context.Context, p operator.Principal, in api.MessageDriverRef) (api.MessageDriver, error) {
	return s.switchDriver(ctx, p, MessageDriverDisable, in, false)
}

func (s *Service) switchDriver(ctx context.Context, p operator.Principal, op Op, in api.MessageDriverRef, on bool) (api.MessageDriver, error) {
	m, err := s.may(ctx, p, op, in.Pool)
	if err != nil {
		return api.MessageDriver{}, err
	}
	detail := map[string]string{"driver": in.ID, "enabled": strconv.FormatBool(on)}
	return s.driverChanged(ctx, p, m, audit.MessageDriverSwitch, detail, in, func(ctx context.Context) error {
		return s.d.Messages.Channels.Switch(ctx, in.Pool, in.ID, on)
	})
}

func (s *Service) driverChanged(ctx context.Context, p operator.Principal, m admin.Manager, action string, detail map[string]string,
	in api.MessageDriverRef, change func(context.Context) error,
) (api.MessageDriver, error) {
	if err := s.changed(ctx, m, action, detail, change); err != nil {
		return api.MessageDriver{}, err
	}
	return s.messageDriver(ctx, p, in)
}

// RemoveMessageDriver ends a vendor. Errors: MessageDriverNotFound.
func (s *Service) RemoveMessageDriver(ctx context.Context, p operator.Principal, in api.MessageDriverRef) (api.None, error) {
	m, err := s.may(ctx, p, MessageDriverRemove, in.Pool)
	if err != nil {
		return api.None{}, err
	}
	return api.None{}, s.changed(ctx, m, audit.MessageDriverRemove, map[string]string{"driver": in.ID}, func(ctx context.Context) error {
		return s.d.Messages.Channels.Remove(ctx, in.Pool, in.ID)
	})
}
