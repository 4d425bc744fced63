package provider

import (
	"encoding/base64"
	"net/url"
	"strconv"
	"strings"
)

func decimal(n number) string { return strconv.FormatInt(int64(n), 10) }

// basic is the header of HTTP's basic authentication.
func basic(name, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(name+":"+password))
}

// picture returns the https address of an avatar, "" for what is none. Old vendors still
// write http for hosts that have long had both.
func picture(raw string) string {
	u, err := url.Parse(strings.TrimSpace(raw))
	if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") {
		return ""
	}
	u.Scheme = "https"
	return u.String()
}
