package sms

import (
	"context"
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // the vendor's algorithm
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tigertally/tigertally/internal/driver"
	"github.com/tigertally/tigertally/internal/secret"
)

const (
	twilioName = "twilio"
	twilioBase = "https://api.twilio.com"
)

func twilioOptions() []driver.Option {
	return []driver.Option{
		{Name: "account_sid", Doc: "Account SID.", Required: true},
		{Name: "auth_token", Doc: "Auth token; their reports are signed with it.", Required: true, Secret: true},
		{Name: "from", Doc: "Sending number or sender id; this or messaging_service_sid."},
		{Name: "messaging_service_sid", Doc: "Messaging service that picks the sender."},
		{Name: "callback", Doc: "Where they report deliveries. Empty: this server, if its public_url is https."},
		baseOption(twilioBase), allowOption(),
	}
}

// twilio sends with Twilio, which takes the text as it is.
// https://www.twilio.com/docs/messaging/api/message-resource
type twilio struct {
	url, sid, token, from, service, callback string

	client *http.Client
}

func newTwilio(set map[string]string, now func() time.Time) (Driver, error) {
	base := baseOf(set, twilioBase)
	t := &twilio{
		url: base + "/2010-04-01/Accounts/" + url.PathEscape(set["account_sid"]) + "/Messages.json",
		sid: set["account_sid"], token: set["auth_token"], from: set["from"],
		service: set["messaging_service_sid"], callback: set["callback"],
	}
	if (t.from == "") == (t.service == "") {
		return nil, errors.New("sms twilio wants either from or messaging_service_sid")
	}
	var err error
	if t.client, err = driver.Fixed(base, set["allow"], callTimeout, now); err != nil {
		return nil, fmt.Errorf("sms twilio base %w", err)
	}
	return t, nil
}

// Send asks for one message to one number.
func (t *twilio) Send(ctx context.Context, m Message) (driver.Receipt, error) {
	form := url.Values{"To": {m.To}, "Body": {m.Text}}
	for name, value := range map[string]string{
		"From": t.from, "MessagingServiceSid": t.service, "StatusCallback": t.callback,
	} {
		if value != "" {
			form.Set(name, value)
		}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, t.url, strings.NewReader(form.Encode()))
	if err != nil {
		return driver.Receipt{}, unsent(twilioName, err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.SetBasicAuth(t.sid, t.token)
	answer, err := driver.Do(t.client, req)
	if err != nil {
		return driver.Receipt{}, driver.Unanswered(twilioName, err)
	}
	return readTwilio(answer)
}

func readTwilio(answer driver.Answer) (driver.Receipt, error) {
	var a struct {
		SID      string `json:"sid"`
		Segments string `json:"num_segments"`
		Code     int    `json:"code"`
	}
	err := json.Unmarshal(answer.Body, &a)
	switch {
	case err != nil:
	case answer.Status == http.StatusCreated && a.SID != "":
		units, _ := strconv.Atoi(a.Segments) // absent until they know
		return driver.Receipt{Driver: twilioName, VendorID: a.SID, Units: units}, nil
	case answer.Status >= 400 && answer.Status < 500 && a.Code != 0:
		return driver.Receipt{}, &driver.Failure{
			Vendor: twilioName, Class: twilioClass(a.Code), Code: strconv.Itoa(a.Code),
		}
	}
	return driver.Receipt{}, driver.Garbled(twilioName, answer.Status)
}

// twilioClass sorts their codes. An answer of 4xx is a refusal, whichever code it names.
func twilioClass(code int) driver.Class {
	switch code {
	case 21211, 21610, 21614, 21217, 21219:
		return driver.BadAddress
	case 21408, 21612, 21215:
		return driver.NoRoute
	case 20429, 14107, 63038:
		return driver.Exhausted
	}
	return driver.Misconfigured
}

// Reports reads one signed status callback. States on the way say nothing yet.
func (t *twilio) Reports(called string, header http.Header, body []byte) ([]driver.Report, error) {
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, errors.New("the report is not a form")
	}
	if !secret.Equal([]byte(t.signature(called, form)), []byte(header.Get("X-Twilio-Signature"))) {
		return nil, errors.New("the report is not signed by the vendor")
	}
	r := driver.Report{VendorID: form.Get("MessageSid"), Reason: form.Get("ErrorCode")}
	switch form.Get("MessageStatus") {
	case "delivered":
		r.Outcome = driver.Delivered
	case "undelivered", "failed":
		r.Outcome = driver.Undelivered
	default:
		return nil, nil
	}
	return []driver.Report{r}, nil
}

// Answer says nothing, in the form they read.
func (t *twilio) Answer() (contentType, body string) { return "text/xml", "<Response/>" }

// signature is over the address they called and the form in the order of its names.
// https://www.twilio.com/docs/usage/security#validating-requests
func (t *twilio) signature(called string, form url.Values) string {
	names := make([]string, 0, len(form))
	for name := range form {
		names = append(names, name)
	}
	slices.Sort(names)
	h := hmac.New(sha1.New, []byte(t.token))
	h.Write([]byte(called))
	for _, name := range names {
		for _, value := range form[name] {
			h.Write([]byte(name + value))
		}
	}
	return base64.StdEncoding.EncodeToString(h.Sum(nil))
}
