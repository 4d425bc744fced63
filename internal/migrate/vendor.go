package migrate

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"

	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/secret"
	"github.com/tigertally/tigertally/internal/user"
)

// The vendors whose exports are understood.
const (
	CloudBase = "cloudbase"
	Authing   = "authing"
)

// errNobody is somebody an export has who is not worth an account, such as an anonymous
// one.
var errNobody = errs.New(errs.AnonymousInvalid).Because(flaw("anonymous"))

// translate turns a vendor's record into our own form. What has no place with us is left
// out.
func (o Options) translate(fields map[string]any) (map[string]any, error) {
	switch o.From {
	case "":
		return fields, nil
	case CloudBase:
		return fromCloudBase(fold(fields), cmp.Or(o.WeChat, "wx_open"))
	case Authing:
		return fromAuthing(fold(fields))
	}
	return nil, errs.New(errs.BadRequest, "field", "from")
}

// fold makes names comparable: the consoles, the SDKs and the APIs of one vendor write
// userName, UserName and user_name.
func fold(fields map[string]any) map[string]any {
	out := make(map[string]any, len(fields))
	for name, v := range fields {
		name = strings.ToLower(strings.ReplaceAll(strings.TrimSpace(name), "_", ""))
		if old, twice := out[name]; !twice || old == nil || old == "" {
			out[name] = v
		}
	}
	return out
}

// copyTo copies the first value there is of each name.
func copyTo(out, in map[string]any, names map[string][]string) {
	for to, from := range names {
		for _, name := range from {
			if v := in[name]; v != nil && v != "" {
				out[to] = v
				break
			}
		}
	}
}

// fromCloudBase reads what getEndUserList (UUId, WXOpenId, IsDisabled …) and
// describeUserList (Uid, UserStatus …) of its management SDK give. There are no password
// hashes: people sign in with a code, or reset. Whatever address CloudBase has it has
// verified.
func fromCloudBase(in map[string]any, wechat string) (map[string]any, error) {
	if yes, err := flag(in["isanonymous"]); err != nil || yes {
		return nil, errNobody
	}
	out := map[string]any{"registered_by": CloudBase}
	copyTo(out, in, map[string][]string{
		"id": {"uuid", "uid", "sub"}, "username": {"username"}, "name": {"nickname"},
		"phone": {"phone", "phonenumber"}, "email": {"email"}, "picture": {"avatarurl", "picture"},
		"description": {"description"}, "created_at": {"createtime", "createdat"}, "gender": {"gender"},
	})
	if out["username"] == nil && in["uid"] != nil { // describeUserList calls it Name
		copyTo(out, in, map[string][]string{"username": {"name"}})
	}
	gender(out)
	for _, contact := range []string{"phone", "email"} {
		if out[contact] != nil {
			out[contact+"_verified"] = true
		}
	}
	status, err := text(in["userstatus"])
	disabled, err2 := flag(in["isdisabled"])
	if err = cmp.Or(err, err2); err != nil {
		return nil, errs.New(errs.BadRequest, "field", "status").Because(err)
	}
	if disabled || strings.EqualFold(status, "BLOCKED") {
		out["status"] = user.StatusBlocked
	}
	var links []any
	for provider, subject := range map[string]any{wechat: in["wxopenid"], "qq": in["qqopenid"]} {
		if subject != nil && subject != "" {
			link := map[string]any{"provider": provider, "subject": subject}
			if union := in["wxunionid"]; provider == wechat && union != nil && union != "" {
				link[user.IdentityUnion] = union
			}
			links = append(links, link)
		}
	}
	if links != nil {
		out["identities"] = links
	}
	return out, nil
}

// fromAuthing reads the user objects of Authing, as its console and its users API export
// them. A password in it is a hash if it looks like one.
func fromAuthing(in map[string]any) (map[string]any, error) {
	out := map[string]any{"registered_by": Authing}
	copyTo(out, in, map[string][]string{
		"id": {"id", "userid", "uid"}, "username": {"username", "accountid"}, "name": {"name"},
		"phone": {"phone"}, "email": {"email", "mail"}, "picture": {"photo", "picture"}, "gender": {"gender"},
		"birthdate": {"birthdate"}, "zoneinfo": {"zoneinfo"}, "locale": {"locale"}, "external_id": {"externalid"},
		"created_at": {"createdat"}, "phone_verified": {"phoneverified"}, "email_verified": {"emailverified"},
		"custom": {"customdata", "custom"},
	})
	for _, name := range user.AttributeKeys() {
		copyTo(out, in, map[string][]string{name: {strings.ToLower(name)}})
	}
	gender(out)
	if err := dialled(out, in["phonecountrycode"]); err != nil {
		return nil, err
	}
	status, _ := text(in["status"])
	blocked, err := flag(in["blocked"])
	if err != nil {
		return nil, errs.New(errs.BadRequest, "field", "blocked").Because(err)
	}
	if blocked || status != "" && !strings.EqualFold(status, "Activated") && !strings.EqualFold(status, "true") {
		out["status"] = user.StatusBlocked
	}
	if password, _ := text(in["password"]); password != "" {
		if secret.CheckHash(password) == nil || strings.HasPrefix(password, "$") {
			out["password_hash"] = password
		} else {
			out["password"] = password
		}
	}
	links, err := authingIdentities(in)
	if links != nil {
		out["identities"] = links
	}
	return out, err
}

// dialled puts the country code in front of a phone number that lacks it.
func dialled(out map[string]any, country any) error {
	code, err := text(country)
	phone, err2 := text(out["phone"])
	if err = cmp.Or(err, err2); err != nil {
		return errs.New(errs.BadRequest, "field", "phone").Because(err)
	}
	if code != "" && phone != "" && !strings.HasPrefix(phone, "+") {
		out["phone"] = "+" + strings.TrimPrefix(code, "+") + phone
	}
	return nil
}

// authingIdentities links by the openid where Authing has one, for that is what the
// vendor will say; the unionid goes beside it.
func authingIdentities(in map[string]any) ([]any, error) {
	value := in["identities"]
	if t, ok := value.(string); ok && json.Unmarshal([]byte(t), &value) != nil { // a cell of a table
		return nil, errs.New(errs.BadRequest, "field", "identities").Because(flaw("no list of identities"))
	}
	list, _ := value.([]any)
	var links []any
	for _, v := range list {
		m, err := mapping(v)
		if err != nil {
			return nil, errs.New(errs.BadRequest, "field", "identities").Because(err)
		}
		one := fold(m)
		more, _ := one["userinfoinidp"].(map[string]any)
		at := func(name string) string {
			t, _ := text(one[name])
			if t == "" {
				t, _ = text(fold(more)[name])
			}
			return t
		}
		provider := cmp.Or(at("extidpconnidentifier"), at("provider"))
		kind, subject := at("type"), at("useridinidp")
		link := map[string]any{"provider": provider, "subject": cmp.Or(at("openid"), subject)}
		if union := at("unionid"); union != "" {
			link[user.IdentityUnion] = union
		}
		if kind == "unionid" && at("openid") == "" { // the same person again, without the openid
			continue
		}
		if provider == "" || link["subject"] == "" {
			continue
		}
		if !slices.ContainsFunc(links, func(l any) bool {
			m, _ := l.(map[string]any)
			return m["provider"] == provider && m["subject"] == link["subject"]
		}) {
			links = append(links, link)
		}
	}
	return links, nil
}

// gender knows the letters and digits vendors write.
func gender(out map[string]any) {
	t, _ := text(out["gender"])
	switch strings.ToLower(t) {
	case "m", "1", "male":
		out["gender"] = user.GenderMale
	case "f", "2", "female":
		out["gender"] = user.GenderFemale
	default:
		delete(out, "gender")
	}
}
