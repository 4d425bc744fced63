package migrate

import (
	"bufio"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/tigertally/tigertally/internal/admin"
	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/contact"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/user"
)

// ExportOptions say what leaves.
type ExportOptions struct {
	Format string // CSV or JSONL; JSONL when empty
	// Full writes phone numbers, addresses and the subjects at other providers as they are;
	// without it they are masked (AD-07), and the file cannot be imported.
	Full bool
	// Hashes writes password hashes too.
	Hashes bool
	// Progress, when set, is called with the people written so far.
	Progress func(n int64)
}

// exportPage is how many people are read at once.
const exportPage = 500

// Export writes the people of a pool in the form Import reads, oldest first, and says how
// many there were. Anonymous ones are left out: nothing is known of them but a device.
func (s *Service) Export(ctx context.Context, m admin.Manager, w io.Writer, o ExportOptions) (int64, error) {
	if _, err := s.d.Pools.Get(ctx, m.PoolID); err != nil {
		return 0, err
	}
	out := bufio.NewWriterSize(w, 64<<10)
	var put func(exported) error
	switch o.Format {
	case JSONL, Auto:
		lines := json.NewEncoder(out)
		lines.SetEscapeHTML(false)
		put = func(e exported) error { return lines.Encode(e) }
	case CSV:
		rows := csv.NewWriter(out)
		if err := rows.Write(columns(o.Hashes)); err != nil {
			return 0, err
		}
		put = func(e exported) error {
			row, err := e.row(o.Hashes)
			if err != nil {
				return err
			}
			err = rows.Write(row)
			rows.Flush()
			return err
		}
	default:
		return 0, errs.New(errs.BadRequest, "field", "format")
	}
	// It is recorded first: what cannot be recorded does not leave.
	if err := s.recordExport(ctx, m, o); err != nil {
		return 0, err
	}
	n, err := s.each(ctx, m.PoolID, func(u user.User) error { return put(o.of(u)) }, o.Progress)
	if err != nil {
		return n, err
	}
	return n, out.Flush()
}

// Page is a part of an export.
type Page struct {
	People []Line
	At     int64 // with ID: where the next page begins
	ID     string
	More   bool
}

// Line is one person, in the form a line of Import has.
type Line struct {
	ID   string
	Line json.RawMessage
}

// ExportPage is Export in parts: at most limit people after the place (at, id), which the
// page before ended with; the first begins at the least number and "", and is recorded.
func (s *Service) ExportPage(ctx context.Context, m admin.Manager, o ExportOptions, at int64, id string, limit int) (Page, error) {
	if id == "" {
		if err := s.recordExport(ctx, m, o); err != nil {
			return Page{}, err
		}
	}
	ids, last, err := s.page(ctx, m.PoolID, at, id, limit)
	if err != nil || len(ids) == 0 {
		return Page{}, err
	}
	people, err := s.d.Users.ByIDs(ctx, m.PoolID, ids)
	if err != nil {
		return Page{}, err
	}
	page := Page{At: last, ID: ids[len(ids)-1], More: len(ids) == limit}
	for _, u := range people {
		if u.Anonymous() {
			continue
		}
		text, err := json.Marshal(o.of(u))
		if err != nil {
			return Page{}, err
		}
		page.People = append(page.People, Line{u.ID, text})
	}
	return page, nil
}

func (s *Service) recordExport(ctx context.Context, m admin.Manager, o ExportOptions) error {
	return s.d.Audit.Record(ctx, audit.Event{
		PoolID: m.PoolID, Action: audit.UserExport, Actor: m.Actor,
		Detail: map[string]string{"full": strconv.FormatBool(o.Full), "hashes": strconv.FormatBool(o.Hashes)},
	})
}

// each calls fn with every person of a pool.
func (s *Service) each(ctx context.Context, poolID string, fn func(user.User) error, progress func(int64)) (n int64, err error) {
	at, after := int64(-1)<<62, ""
	for {
		ids, last, err := s.page(ctx, poolID, at, after, exportPage)
		if err != nil || len(ids) == 0 {
			return n, err
		}
		at, after = last, ids[len(ids)-1]
		people, err := s.d.Users.ByIDs(ctx, poolID, ids)
		if err != nil {
			return n, err
		}
		for _, u := range people {
			if u.Anonymous() {
				continue
			}
			if err := fn(u); err != nil {
				return n, fmt.Errorf("export: %w", err)
			}
			n++
		}
		if progress != nil {
			progress(n)
		}
	}
}

// exported is a person as a line of a file.
type exported struct {
	ID            string             `json:"id"`
	Username      string             `json:"username,omitempty"`
	Phone         string             `json:"phone,omitempty"`
	PhoneVerified bool               `json:"phone_verified,omitempty"`
	Email         string             `json:"email,omitempty"`
	EmailVerified bool               `json:"email_verified,omitempty"`
	ExternalID    string             `json:"external_id,omitempty"`
	Status        string             `json:"status"`
	MustReset     bool               `json:"must_reset,omitempty"`
	PasswordHash  string             `json:"password_hash,omitempty"`
	CreatedAt     time.Time          `json:"created_at"`
	RegisteredBy  string             `json:"registered_by,omitempty"`
	Name          string             `json:"name,omitempty"`
	Picture       string             `json:"picture,omitempty"`
	Gender        string             `json:"gender,omitempty"`
	Locale        string             `json:"locale,omitempty"`
	Birthdate     string             `json:"birthdate,omitempty"`
	Zoneinfo      string             `json:"zoneinfo,omitempty"`
	Description   string             `json:"description,omitempty"`
	Attributes    map[string]string  `json:"-"`
	Custom        map[string]any     `json:"custom,omitempty"`
	Identities    []exportedIdentity `json:"identities,omitempty"`
}

type exportedIdentity struct {
	Provider   string `json:"provider"`
	Subject    string `json:"subject"`
	Name       string `json:"name,omitempty"`
	AppID      string `json:"app_id,omitempty"`
	UnionID    string `json:"union_id,omitempty"`
	UnionGroup string `json:"union_group,omitempty"`
	Picture    string `json:"picture,omitempty"`
}

// MarshalJSON puts the attributes beside the other fields, where Import looks for them.
func (e exported) MarshalJSON() ([]byte, error) {
	type plain exported
	text, err := json.Marshal(plain(e))
	if err != nil || len(e.Attributes) == 0 {
		return text, err
	}
	more, err := json.Marshal(e.Attributes)
	if err != nil {
		return nil, err
	}
	return append(append(text[:len(text)-1], ','), more[1:]...), nil
}

func (o ExportOptions) of(u user.User) exported {
	e := exported{
		ID: u.ID, Username: u.Username, Phone: u.Phone, PhoneVerified: u.PhoneVerified, Email: u.Email, EmailVerified: u.EmailVerified,
		ExternalID: u.ExternalID, Status: u.Status, MustReset: u.MustReset, CreatedAt: u.CreatedAt, RegisteredBy: u.RegisteredBy,
		Name: u.Name, Picture: u.Picture, Gender: u.Gender, Locale: u.Locale, Birthdate: u.Birthdate, Zoneinfo: u.Zoneinfo,
		Description: u.Description, Attributes: u.Attributes, Custom: u.Custom,
	}
	if o.Hashes {
		e.PasswordHash = u.PasswordHash
	}
	if !o.Full {
		e.Phone, e.Email = masked(u.Phone), masked(u.Email)
	}
	for _, i := range u.Identities {
		if i.Provider == user.ProviderAnonymous || i.Provider == user.ProviderCustom {
			continue // proofs of our own making, which no file may bring
		}
		x := exportedIdentity{
			Provider: i.Provider, Subject: i.Subject, Name: i.Name, AppID: i.Profile[user.IdentityApp],
			UnionID: i.Profile[user.IdentityUnion], UnionGroup: i.Profile[user.IdentityUnionGroup], Picture: i.Profile["picture"],
		}
		if !o.Full {
			x.Subject, x.UnionID = "***", ""
		}
		e.Identities = append(e.Identities, x)
	}
	return e
}

func masked(address string) string {
	if address == "" {
		return ""
	}
	return contact.Mask(address)
}

// columns are those of a CSV file, in order.
func columns(hashes bool) []string {
	list := []string{
		"id", "username", "phone", "phone_verified", "email", "email_verified", "external_id", "status", "must_reset",
		"created_at", "registered_by", "name", "picture", "gender", "locale", "birthdate", "zoneinfo", "description",
	}
	list = append(list, user.AttributeKeys()...)
	list = append(list, "custom", "identities")
	if hashes {
		list = append(list, "password_hash")
	}
	return list
}

func (e exported) row(hashes bool) ([]string, error) {
	row := []string{
		e.ID, e.Username, e.Phone, strconv.FormatBool(e.PhoneVerified), e.Email, strconv.FormatBool(e.EmailVerified),
		e.ExternalID, e.Status, strconv.FormatBool(e.MustReset), e.CreatedAt.Format(time.RFC3339Nano), e.RegisteredBy,
		e.Name, e.Picture, e.Gender, e.Locale, e.Birthdate, e.Zoneinfo, e.Description,
	}
	for _, key := range user.AttributeKeys() {
		row = append(row, e.Attributes[key])
	}
	for _, part := range []struct {
		some  bool
		value any
	}{{len(e.Custom) > 0, e.Custom}, {len(e.Identities) > 0, e.Identities}} {
		text := ""
		if part.some {
			b, err := json.Marshal(part.value)
			if err != nil {
				return nil, err
			}
			text = string(b)
		}
		row = append(row, text)
	}
	if hashes {
		row = append(row, e.PasswordHash)
	}
	for i, cell := range row {
		row[i] = escape(cell)
	}
	return row, nil
}

// formula are the signs a cell must not begin with: a spreadsheet would compute it
// (AD-07).
const formula = "=+-@\t\r"

func escape(cell string) string {
	if cell != "" && strings.ContainsRune(formula, rune(cell[0])) {
		return "'" + cell
	}
	return cell
}

// unescape is the reverse, for files that come back.
func unescape(cell string) string {
	if len(cell) > 1 && cell[0] == '\'' && strings.ContainsRune(formula, rune(cell[1])) {
		return cell[1:]
	}
	return cell
}
