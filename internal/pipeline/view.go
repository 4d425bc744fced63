package pipeline

import (
	"time"

	"github.com/tigertally/tigertally/internal/contact"
	"github.com/tigertally/tigertally/internal/user"
)

// UserView is the person as functions see them: the documented properties, no secrets.
// What is unknown is null, and somebody about to be created has no id.
func UserView(u user.User, poolID string) map[string]any {
	country, national := "", ""
	if u.Phone != "" {
		country, national = contact.SplitPhone(u.Phone)
	}
	v := map[string]any{
		"userPoolId": poolID, "username": orNull(u.Username),
		"email": orNull(u.Email), "emailVerified": u.EmailVerified,
		"phone": orNull(national), "phoneCountryCode": orNull(country), "phoneVerified": u.PhoneVerified,
		"photo": orNull(u.Picture), "name": orNull(u.Name), "gender": letters()[u.Gender],
		"birthdate": orNull(u.Birthdate), "zoneinfo": orNull(u.Zoneinfo), "locale": orNull(u.Locale),
		"registerSource": []any{}, "blocked": u.Status == user.StatusBlocked,
		"lastLogin": nil, "lastIP": orNull(u.LastIP), "loginsCount": u.SignIns, "customData": custom(u.Custom),
	}
	for _, key := range user.AttributeKeys() {
		v[key] = orNull(u.Attributes[key])
	}
	if u.RegisteredBy != "" {
		v["registerSource"] = []any{u.RegisteredBy}
	}
	if !u.LastSignInAt.IsZero() {
		v["lastLogin"] = u.LastSignInAt.UTC().Format("2006-01-02T15:04:05.000Z07:00")
	}
	if u.ID != "" {
		v["id"], v["createdAt"] = u.ID, u.CreatedAt.UTC().Format(time.RFC3339)
	}
	return v
}

func custom(fields map[string]any) map[string]any {
	if fields == nil {
		return map[string]any{}
	}
	return fields
}

func orNull(text string) any {
	if text == "" {
		return nil
	}
	return text
}

// letters are the genders as functions write them.
func letters() map[string]string {
	return map[string]string{user.GenderMale: "M", user.GenderFemale: "F", user.GenderUnknown: "U", "": "U"}
}
