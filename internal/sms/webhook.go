package sms

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/tigertally/tigertally/internal/contact"
	"github.com/tigertally/tigertally/internal/driver"
	"github.com/tigertally/tigertally/internal/secret"
)

const minSecret = 16

func webhookOptions() []driver.Option {
	return []driver.Option{
		{Name: "url", Doc: "Where to POST. https, or http to this machine.", Required: true},
		{Name: "secret", Doc: "Key of the signature, at least 16 characters.", Required: true, Secret: true},
		{Name: "sign_name", Doc: "Sender name your vendor puts in front of the text."},
		allowOption(),
	}
}

// webhook posts each message as JSON. The receiver recomputes
//
//	X-Sms-Signature: v1=hex(HMAC-SHA-256(secret, "v1:" + timestamp + ":" + nonce + ":" + body))
//
// from X-Sms-Timestamp, X-Sms-Nonce and the raw body, and refuses old timestamps and
// nonces it has seen.
type webhook struct {
	url      string
	secret   []byte
	signName string
	now      func() time.Time
	client   *http.Client
}

func newWebhook(set map[string]string, now func() time.Time) (Driver, error) {
	if err := driver.CheckURL(set["url"]); err != nil {
		return nil, fmt.Errorf("sms webhook url %w", err)
	}
	if len(set["secret"]) < minSecret {
		return nil, fmt.Errorf("sms webhook secret has fewer than %d characters", minSecret)
	}
	client, err := driver.Fixed(set["url"], set["allow"], callTimeout, now)
	if err != nil {
		return nil, fmt.Errorf("sms webhook url %w", err)
	}
	return &webhook{url: set["url"], secret: []byte(set["secret"]), signName: set["sign_name"], now: now, client: client}, nil
}

type webhookBody struct {
	MessageID string            `json:"message_id"`
	To        webhookTo         `json:"to"`
	Purpose   string            `json:"purpose"`
	Template  string            `json:"template"`
	Params    map[string]string `json:"params"`
	Text      string            `json:"text"`
	SignName  string            `json:"sign_name,omitempty"`
	Locale    string            `json:"locale"`
}

type webhookTo struct {
	E164        string `json:"e164"`
	CountryCode string `json:"country_code"`
	National    string `json:"national"`
}

// Send posts m. What the answer says in words is never kept, as it may repeat the message.
func (w *webhook) Send(ctx context.Context, m Message) (driver.Receipt, error) {
	req, err := w.request(ctx, m)
	if err != nil {
		return driver.Receipt{}, unsent(webhookName, err)
	}
	answer, err := driver.Do(w.client, req)
	if err != nil {
		return driver.Receipt{}, driver.Unanswered(webhookName, err)
	}
	var said struct {
		ID    string `json:"provider_message_id"`
		Error struct {
			Code string `json:"code"`
		} `json:"error"`
	}
	err = json.Unmarshal(answer.Body, &said)
	if answer.Status >= 200 && answer.Status <= 299 && (err == nil || len(answer.Body) == 0) {
		return driver.Receipt{Driver: webhookName, VendorID: said.ID}, nil // but a page is none of theirs
	}
	class, known := webhookClasses()[said.Error.Code]
	if err != nil || !known {
		return driver.Receipt{}, driver.Garbled(webhookName, answer.Status)
	}
	return driver.Receipt{}, &driver.Failure{Vendor: webhookName, Class: class, Code: said.Error.Code}
}

const webhookName = "webhook"

// webhookClasses are the refusals a receiver may name. Each promises that nothing was
// sent.
func webhookClasses() map[string]driver.Class {
	return map[string]driver.Class{
		"rate_limited": driver.RateLimited, "bad_number": driver.BadAddress,
		"misconfigured": driver.Misconfigured, "unavailable": driver.Unavailable,
	}
}

func (w *webhook) request(ctx context.Context, m Message) (*http.Request, error) {
	country, national := contact.SplitPhone(m.To)
	body, err := json.Marshal(webhookBody{
		MessageID: m.ID, Purpose: m.Template, Template: m.Template, Params: m.Params,
		To:   webhookTo{E164: m.To, CountryCode: trimPlus(country), National: national},
		Text: m.Text, SignName: w.signName, Locale: m.Lang,
	})
	if err != nil {
		return nil, fmt.Errorf("encoding a text message: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("making the sms webhook request: %w", err)
	}
	stamp, nonce := strconv.FormatInt(w.now().Unix(), 10), secret.ID()
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Sms-Timestamp", stamp)
	req.Header.Set("X-Sms-Nonce", nonce)
	req.Header.Set("X-Sms-Signature", "v1="+w.sign(stamp, nonce, body))
	return req, nil
}

func (w *webhook) sign(stamp, nonce string, body []byte) string {
	h := hmac.New(sha256.New, w.secret)
	h.Write([]byte("v1:" + stamp + ":" + nonce + ":"))
	h.Write(body)
	return hex.EncodeToString(h.Sum(nil))
}

func trimPlus(country string) string {
	if country != "" && country[0] == '+' {
		return country[1:]
	}
	return country
}
