package upsim

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"math/big"
	"regexp"
	"strings"
)

// User is one person of the simulated world.
type User struct {
	Subject       string `json:"subject"`
	Phone         string `json:"phone"`        // national; "" is somebody without one
	CountryCode   string `json:"country_code"` // "86" when empty
	Nickname      string `json:"nickname"`
	Avatar        string `json:"avatar"`
	Email         string `json:"email"`
	EmailVerified bool   `json:"email_verified"`
	Snapshot      bool   `json:"snapshot"` // WeChat shows a snapshot page and invents a person
	Risk          bool   `json:"risk"`     // WeChat blocks the person
}

// e164 is the user's number with its country code, "" without one.
func (u User) e164() string {
	if u.Phone == "" {
		return ""
	}
	return "+" + u.CountryCode + u.Phone
}

func (u User) mainland() bool { return u.Phone != "" && u.CountryCode == "86" }

// people are the users. Those that a test registered are shown on pages, in that order;
// others come into being when a code first names them.
type people struct {
	known map[string]User
	shown []string
}

func newPeople(users []User) people {
	p := people{known: make(map[string]User)}
	for _, u := range users {
		p.put(u)
	}
	return p
}

func (p *people) put(u User) {
	if u.CountryCode == "" {
		u.CountryCode = "86"
	}
	if _, ok := p.known[u.Subject]; !ok {
		p.shown = append(p.shown, u.Subject)
	}
	p.known[u.Subject] = u
}

// get returns the user, made up the same way every time if nobody registered it.
func (p *people) get(subject string) User {
	if u, ok := p.known[subject]; ok {
		return u
	}
	u := User{
		Subject: subject, Phone: derivedPhone(subject), CountryCode: "86",
		Nickname: strings.ToUpper(subject[:1]) + subject[1:],
		Email:    subject + "@example.test", EmailVerified: true,
	}
	if isMobile(subject) {
		u.Phone, u.Nickname = subject, "User "+subject[7:]
	}
	return u
}

var (
	mobilePattern  = regexp.MustCompile(`^1[3-9][0-9]{9}$`)
	subjectPattern = regexp.MustCompile(`^[a-z0-9]{1,32}$`)
)

func isMobile(s string) bool { return mobilePattern.MatchString(s) }

func isSubject(s string) bool { return subjectPattern.MatchString(s) }

// derivedPhone is 138 and the hash of the subject modulo 10^8.
func derivedPhone(subject string) string {
	sum := sha256.Sum256([]byte(subject))
	rest := new(big.Int).Mod(new(big.Int).SetBytes(sum[:]), big.NewInt(100_000_000))
	return fmt.Sprintf("138%08d", rest.Int64())
}

// OpenID is the id of a person in one WeChat app.
func OpenID(appID, subject string) string { return derivedID("openid:" + appID + ":" + subject) }

// UnionID is the id of a person in all WeChat apps of one union group.
func UnionID(group, subject string) string { return derivedID("unionid:" + group + ":" + subject) }

func derivedID(seed string) string {
	sum := sha256.Sum256([]byte(seed))
	return "o" + base64.URLEncoding.EncodeToString(sum[:])[:27]
}

// SessionKey is the key that jscode2session makes of a code.
func SessionKey(appID, code string) string {
	sum := sha256.Sum256([]byte("session_key:" + appID + ":" + code))
	return base64.StdEncoding.EncodeToString(sum[:16])
}
