package upsim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	callbackTimeout = 5 * time.Second
	callbackAnswer  = 4 << 10
)

// Delivery is what a carrier says became of a message.
type Delivery struct {
	SMS    int    `json:"sms"`
	Status string `json:"status"` // SUCCESS or FAIL
	Err    string `json:"err"`    // such as DELIVRD or UNDELIV; by default as the status says
	// Fault is "duplicate" (sent twice), "unknown" (about a message nobody sent) or
	// "forged" (with a wrong signature, or of a vendor without one about a wrong number).
	Fault string `json:"fault,omitempty"`
	URL   string `json:"url,omitempty"` // instead of the registered address
}

// Delivered is what the receiver of a callback answered.
type Delivered struct {
	Status int    `json:"status"`
	Body   string `json:"body"`
}

// callback is one request ready to go.
type callback struct {
	url, kind, signature string
	body                 string
}

func newCallbackClient() *http.Client {
	return &http.Client{
		Timeout:       callbackTimeout,
		Transport:     &http.Transport{MaxIdleConns: 4, IdleConnTimeout: time.Minute},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Deliver tells the sender of a message what became of it, as the vendor would.
func (s *Server) Deliver(ctx context.Context, d Delivery) (Delivered, error) {
	c, err := s.callback(d)
	if err != nil {
		return Delivered{}, err
	}
	if d.Fault == "duplicate" {
		if _, err := s.post(ctx, c); err != nil {
			return Delivered{}, err
		}
	}
	return s.post(ctx, c)
}

func (s *Server) post(ctx context.Context, c callback) (Delivered, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, strings.NewReader(c.body))
	if err != nil {
		return Delivered{}, fmt.Errorf("upsim: callback: %w", err)
	}
	req.Header.Set("Content-Type", c.kind)
	if c.signature != "" {
		req.Header.Set("X-Twilio-Signature", c.signature)
	}
	resp, err := s.callbacks.Do(req)
	if err != nil {
		return Delivered{}, fmt.Errorf("upsim: callback: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, callbackAnswer))
	return Delivered{resp.StatusCode, string(body)}, err
}

func (s *Server) callback(d Delivery) (callback, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case d.SMS < 1 || d.SMS > len(s.inbox.sms):
		return callback{}, fmt.Errorf("upsim: no message %d", d.SMS)
	case d.Status != "SUCCESS" && d.Status != "FAIL":
		return callback{}, fmt.Errorf("upsim: a delivery is SUCCESS or FAIL, not %q", d.Status)
	case d.Fault != "" && d.Fault != "duplicate" && d.Fault != "unknown" && d.Fault != "forged":
		return callback{}, fmt.Errorf("upsim: no callback fault %q", d.Fault)
	}
	m := s.inbox.sms[d.SMS-1]
	if d.URL != "" {
		m.callback = d.URL
	}
	if m.callback == "" {
		return callback{}, errors.New("upsim: nobody registered a callback for " + m.Vendor)
	}
	if d.Fault == "unknown" {
		m.Provider = m.Provider + "0"
	}
	if d.Err == "" {
		d.Err = "DELIVRD"
		if d.Status == "FAIL" {
			d.Err = "UNDELIV"
		}
	}
	if d.Fault == "forged" && m.Vendor != "twilio" {
		m.To = "+8613899999999"
	}
	return s.shape(m, d)
}

// shape writes the callback as the vendor of a message does.
func (s *Server) shape(m SMS, d Delivery) (callback, error) {
	at := chinaTime(s.clock.now()).Format(time.DateTime)
	good := d.Status == "SUCCESS"
	var body any
	switch m.Vendor {
	case "tencent":
		national, country := strings.TrimPrefix(m.To, "+"), ""
		if rest, ok := strings.CutPrefix(m.To, "+86"); ok {
			national, country = rest, "86"
		}
		body = []object{{
			"user_receive_time": at, "nationcode": country, "mobile": national, "report_status": d.Status, "errmsg": d.Err,
			"description": d.Err, "sid": m.Provider,
		}}
	case "aliyun":
		body = []object{{
			"phone_number": strings.TrimPrefix(m.To, "+86"), "send_time": chinaTime(m.Time).Format(time.DateTime), "report_time": at,
			"success": good, "err_code": d.Err, "err_msg": d.Err, "sms_size": "1", "biz_id": m.Provider, "out_id": m.Context,
		}}
	case "twilio":
		return s.twilioCallback(m, d, good), nil
	default:
		return callback{}, errors.New("upsim: " + m.Vendor + " has no callbacks")
	}
	text, err := json.Marshal(body)
	return callback{url: m.callback, kind: "application/json", body: string(text)}, err
}

func (s *Server) twilioCallback(m SMS, d Delivery, good bool) callback {
	status, code := "delivered", ""
	if !good {
		status, code = "undelivered", "30003"
	}
	form := url.Values{"MessageSid": {m.Provider}, "MessageStatus": {status}, "To": {m.To}, "AccountSid": {m.account}}
	if code != "" {
		form.Set("ErrorCode", code)
	}
	token := s.accounts.Twilio[m.account].AuthToken
	if d.Fault == "forged" {
		token += "x"
	}
	return callback{
		url: m.callback, kind: "application/x-www-form-urlencoded", body: form.Encode(),
		signature: twilioSignature(token, m.callback, form),
	}
}
